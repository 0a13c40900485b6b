"""k folds, dealt anew several times: each motor is tested once a repeat, beside other motors each time."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, model_validator

from motor.recordings.recording import DataError
from motor.recordings.splits.base import MOST_FOLDS, Split, rotate
from motor.recordings.splits.stratify import Cell, cells_of_motors, deal

if TYPE_CHECKING:
    import pandas

TRIES = 200


class Repeated(Split):
    """Motors in `k` folds, stratified by class and domain, and that `repeats` times with another combination each.

    With few motors a score hangs on which of them train together. A motor is tested in `repeats` folds, and its
    predictions there are repeats of one motor, no further motors.

    Attributes
    ----------
    repeats : int
        How often the motors are dealt anew. Folds are named ``r1f1``, ``r1f2``, ...; each costs a fine-tune.
    k : int
        Number of folds of a repeat. Each class in each domain needs as many motors.
    validation : {"next", "none"}
        What the validation side is: the fold after the tested one (the first after the last), or nothing.
    """

    kind: Literal["repeated"] = "repeated"
    repeats: int = Field(default=3, ge=1, le=MOST_FOLDS)
    k: int = Field(default=5, ge=2, le=MOST_FOLDS)
    validation: Literal["next", "none"] = "next"

    @model_validator(mode="after")
    def _check_train_is_left(self) -> "Repeated":
        if self.k == 2 and self.validation == "next":
            raise ValueError("k is 2, so test and validation leave nothing to train on; set k to 3 or more")
        return self

    @model_validator(mode="after")
    def _check_number_of_folds(self) -> "Repeated":
        if self.repeats * self.k > MOST_FOLDS:
            counts = f"repeats is {self.repeats} and k is {self.k}, which makes {self.repeats * self.k} folds"
            raise ValueError(f"{counts}; allowed are {MOST_FOLDS}: lower one of them")
        return self

    def fold_names(self) -> tuple[str, ...]:
        """Return r1f1, r1f2, ..., repeat by repeat; see `Split.fold_names`."""
        return tuple(self._name(repeat, fold) for repeat in range(self.repeats) for fold in range(self.k))

    def split(self, meta: "pandas.DataFrame", seed: int, normal: str = "normal") -> "pandas.DataFrame":
        """Deal the motors out; see `Split.split`."""
        advice = f"lower k (now {self.k}), add motors, or take the class or the domain out of the dataset"
        sides = {}
        for repeat, fold_of_motor in enumerate(self._combinations(cells_of_motors(meta), seed, advice)):
            for fold, of_fold in rotate(fold_of_motor, self.validation).items():
                sides[self._name(repeat, int(fold))] = of_fold
        return self.checked_table(sides, meta, advice, normal)

    def _combinations(self, motors: dict[str, frozenset[Cell]], seed: int, advice: str) -> list[dict[str, str]]:
        """Return the fold of each motor for each repeat; no two repeats put the same motors together throughout."""
        names = tuple(str(fold) for fold in range(self.k))
        found: dict[frozenset[frozenset[str]], dict[str, str]] = {}
        for attempt in range(TRIES * self.repeats):
            if len(found) == self.repeats:
                break
            own_seed = int(np.random.SeedSequence([seed, attempt]).generate_state(1)[0])
            dealt = deal(motors, dict.fromkeys(names, 1 / self.k), lambda cell, n_motors: names, own_seed, advice)
            together = frozenset(frozenset(m for m, fold in dealt.items() if fold == name) for name in names)
            found.setdefault(together, dealt)
        if len(found) < self.repeats:
            raise DataError(
                f"{len(motors)} motors can be dealt into {self.k} folds in {len(found)} ways only, as far as found in "
                f"{TRIES * self.repeats} tries, but repeats is {self.repeats}; set repeats to {len(found)} at most"
            )
        return list(found.values())

    @staticmethod
    def _name(repeat: int, fold: int) -> str:
        return f"r{repeat + 1}f{fold + 1}"


PLUGIN = Repeated
