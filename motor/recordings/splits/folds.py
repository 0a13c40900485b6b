"""k folds: each motor is tested once."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from motor.recordings.splits.base import MOST_FOLDS, Split, rotate
from motor.recordings.splits.stratify import cells_of_motors, deal

if TYPE_CHECKING:
    import pandas


class Folds(Split):
    """Motors in `k` folds, stratified by class and domain; each fold is the test side once, under its number.

    Attributes
    ----------
    k : int
        Number of folds. Each class in each domain needs as many motors.
    validation : {"next", "none"}
        What the validation side is: the fold after the tested one (the first after the last), or nothing.
    """

    kind: Literal["folds"] = "folds"
    k: int = Field(default=5, ge=2, le=MOST_FOLDS)
    validation: Literal["next", "none"] = "next"

    @model_validator(mode="after")
    def _check_train_is_left(self) -> "Folds":
        if self.k == 2 and self.validation == "next":
            raise ValueError("k is 2, so test and validation leave nothing to train on; set k to 3 or more")
        return self

    def fold_names(self) -> tuple[str, ...]:
        """Return the numbers from 0; see `Split.fold_names`."""
        return tuple(str(number) for number in range(self.k))

    def split(self, meta: "pandas.DataFrame", seed: int, normal: str = "normal") -> "pandas.DataFrame":
        """Deal the motors out; see `Split.split`."""
        names = self.fold_names()
        advice = f"lower k (now {self.k}), add motors, or take the class or the domain out of the dataset"
        shares = dict.fromkeys(names, 1 / self.k)
        fold_of_motor = deal(cells_of_motors(meta), shares, lambda cell, n_motors: names, seed, advice)
        return self.checked_table(rotate(fold_of_motor, self.validation), meta, advice, normal)


PLUGIN = Folds
