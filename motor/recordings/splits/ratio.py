"""One split by shares, 7 : 1 : 2 by default."""

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from motor.recordings.splits.base import Split
from motor.recordings.splits.stratify import Cell, cells_of_motors, deal

if TYPE_CHECKING:
    import pandas


class Ratio(Split):
    """Motors by shares of train, validation and test, stratified by class and domain; one fold, named "0".

    A class with four motors or more in a domain has one on each side at least. With two or three none of them
    validates, to keep what there is for training; but the normal class always does, and so needs three.

    Attributes
    ----------
    train, validation, test : float
        Shares, of any sum. A validation share of 0 leaves that side out.
    """

    kind: Literal["ratio"] = "ratio"
    train: float = Field(default=7, gt=0)
    validation: float = Field(default=1, ge=0)
    test: float = Field(default=2, gt=0)

    def fold_names(self) -> tuple[str, ...]:
        """Return the one name; see `Split.fold_names`."""
        return ("0",)

    def split(self, meta: "pandas.DataFrame", seed: int, normal: str = "normal") -> "pandas.DataFrame":
        """Deal the motors out; see `Split.split`."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        shares = {side: part / sum(parts.values()) for side, part in parts.items() if part > 0}
        advice = "add motors, or take the class or the domain out of the dataset"
        sides = deal(cells_of_motors(meta), shares, partial(self._seats, normal), seed, advice)
        return self.checked_table({"0": sides}, meta, advice, normal)

    def _seats(self, normal: str, cell: Cell, n_motors: int) -> tuple[str, ...]:
        """Return the sides that need a motor of a cell."""
        label, _ = cell
        if self.validation > 0 and (n_motors > 3 or label == normal):
            return ("train", "validation", "test")
        return ("train", "test")


PLUGIN = Ratio
