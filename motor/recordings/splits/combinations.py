"""Many combinations of held-out motors: each fold tests one motor (or some) of each class."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from motor.recordings.recording import DataError
from motor.recordings.splits.base import MOST_FOLDS, Split
from motor.recordings.splits.stratify import Cell, cells_of_motors

if TYPE_CHECKING:
    import pandas

BALANCED_SHARE = 0.5
"""Of all tries, those that prefer motors not tested yet; the others are drawn freely, so that every one is found."""
SURPLUS = 20
"""Drawing all of n combinations takes about n ln n tries; with n times this on top, one is missed once in e^20."""

Motors = Mapping[str, frozenset[Cell]]
Seats = Mapping[Cell, Mapping[str, int]]


class Combinations(Split):
    """Each fold holds out another combination of motors, `hold_out` of each class in each domain; the others train.

    For data of few motors a class, where the figure hangs on which are held out. Motors are tested about equally
    often. A motor with several classes or domains counts in each of them, so some may have more than `hold_out`.

    Attributes
    ----------
    n_folds : int
        How many combinations, named ``c1``, ``c2``, ...; each costs a fine-tune. All there are, if it is as many
        (for 3 motors of each of 2 classes: 9); else a sample of that size, drawn by the seed.
    hold_out : int
        Motors of each class in each domain that a fold tests.
    validation : int
        Motors of each class in each domain that validate; 0 leaves that side out. A class that would keep less than
        two to train on does not validate, save the normal one, which always does.
    """

    kind: Literal["combinations"] = "combinations"
    n_folds: int = Field(default=10, ge=1, le=MOST_FOLDS)
    hold_out: int = Field(default=1, ge=1)
    validation: int = Field(default=1, ge=0)

    def fold_names(self) -> tuple[str, ...]:
        """Return c1, c2, ...; see `Split.fold_names`."""
        return tuple(f"c{number + 1}" for number in range(self.n_folds))

    def split(self, meta: "pandas.DataFrame", seed: int, normal: str = "normal") -> "pandas.DataFrame":
        """Deal the motors out; see `Split.split`."""
        motors = cells_of_motors(meta)
        seats = self._seats(motors, normal)
        self._check_count(motors)
        folds = self._draw_distinct(motors, seats, np.random.default_rng(seed))
        advice = "lower hold_out or validation, or add motors"
        return self.checked_table(dict(zip(self.fold_names(), folds, strict=True)), meta, advice, normal)

    def _seats(self, motors: Motors, normal: str) -> Seats:
        """Return how many motors of each cell each side needs, after checking that there are as many."""
        sizes = Counter(cell for cells in motors.values() for cell in cells)
        seats = {}
        for (label, domain), size in sorted(sizes.items()):
            validates = label == normal or size - self.hold_out - self.validation >= 2
            needed = {"test": self.hold_out, "validation": self.validation if validates else 0, "train": 1}
            if size < sum(needed.values()):
                parts = ", ".join(f"{count} to {side}" for side, count in needed.items() if count)
                raise DataError(
                    f"class {label!r} in domain {domain!r} has {size} motors, but {sum(needed.values())} are needed "
                    f"({parts}); lower hold_out (now {self.hold_out}) or validation (now {self.validation}), add "
                    "motors, or take the class or the domain out of the dataset"
                )
            seats[label, domain] = needed
        return seats

    def _check_count(self, motors: Motors) -> None:
        """Raise if there are fewer combinations than folds, where they can be counted."""
        groups = Counter(motors.values())
        if sum(len(group) for group in groups) > len(set().union(*groups)):
            return  # motors share some of their cells, and combinations are counted by drawing them
        n_combinations = math.prod(math.comb(size, self.hold_out) for size in groups.values())
        if n_combinations < self.n_folds:
            raise DataError(self._too_few(n_combinations))

    def _draw_distinct(self, motors: Motors, seats: Seats, generator: np.random.Generator) -> list[dict[str, str]]:
        """Return the side of each motor in each fold, no two folds with the same test motors."""
        tested: Counter[str] = Counter()
        found: dict[frozenset[str], dict[str, str]] = {}
        for is_balanced in self._tries():
            sides = _draw(motors, seats, tested if is_balanced else Counter(), generator)
            held_out = frozenset(motor for motor, side in (sides or {}).items() if side == "test")
            if sides is None or held_out in found:
                continue
            found[held_out] = sides
            tested.update(held_out)
            if len(found) == self.n_folds:
                return list(found.values())
        raise DataError(self._too_few(len(found)))

    def _tries(self) -> Iterator[bool]:
        """Yield for each try whether it prefers motors that were tested less."""
        n_tries = math.ceil(self.n_folds * (math.log(self.n_folds) + SURPLUS))
        for number in range(2 * n_tries):
            yield number < BALANCED_SHARE * 2 * n_tries

    def _too_few(self, n_found: int) -> str:
        held_out = f"hold out {self.hold_out} motors of each class in each domain"
        step = f"set n_folds to {n_found} at most, or " if n_found else ""
        return f"n_folds is {self.n_folds}, but only {n_found} combinations {held_out}; {step}add motors"


def _draw(motors: Motors, seats: Seats, tested: Counter[str], generator: np.random.Generator) -> dict[str, str] | None:
    """Seat motors at random, those tested least first to be tested, rare cells first; None if this try fails."""
    names = [list(motors)[place] for place in generator.permutation(len(motors))]
    sides: dict[str, str] = {}
    for side in ("test", "validation", "train"):
        order = sorted(names, key=lambda motor: tested[motor]) if side == "test" else names
        for cell in sorted(seats, key=lambda cell: (sum(cell in cells for cells in motors.values()), cell)):
            members = [motor for motor in order if cell in motors[motor]]
            lacking = seats[cell][side] - sum(sides.get(motor) == side for motor in members)
            free = [motor for motor in members if motor not in sides]
            if len(free) < lacking:
                return None
            sides.update(dict.fromkeys(free[: max(lacking, 0)], side))
    return {motor: sides.get(motor, "train") for motor in motors}


PLUGIN = Combinations
