"""A split that grows: a motor's side is decided before any label of it is known, and never again."""

import hashlib
from typing import Literal

from pydantic import Field

from motor.lazy import pandas
from motor.recordings.splits.base import Side, Split


class Growing(Split):
    """Motors by a hash of seed and name; new motors move no earlier one. One fold, named "0".

    Attributes
    ----------
    frozen : dict
        Motor -> side, of motors whose side was decided otherwise, by the split that a loop began with, say.
    train, validation, test : float
        Shares that new motors get in the long run, of any sum.
    needs : {"all", "normal"}
        Of which classes each side has to have motors; a loop sets it for what is trained on normal series alone.
    tests : {"now", "later"}
        When labels of test motors are looked at: ``later``, which a loop sets, by nothing that is trained.
    """

    kind: Literal["growing"] = "growing"
    frozen: dict[str, Side] = Field(default={})
    train: float = Field(default=7, gt=0)
    validation: float = Field(default=1, ge=0)
    test: float = Field(default=2, gt=0)
    needs: Literal["all", "normal"] = Field(default="all", exclude_if=lambda which: which == "all")
    tests: Literal["now", "later"] = Field(default="now", exclude_if=lambda which: which == "now")

    def fold_names(self) -> tuple[str, ...]:
        """Return the one name; see `Split.fold_names`."""
        return ("0",)

    def side(self, motor: str, seed: int) -> Side:
        """Return the side of a motor, whatever else there is."""
        if motor in self.frozen:
            return self.frozen[motor]
        drawn = int.from_bytes(hashlib.sha256(f"{seed}/{motor}".encode()).digest()[:8]) / 2**64
        drawn *= self.train + self.validation + self.test
        if drawn < self.train:
            return "train"
        return "validation" if drawn < self.train + self.validation else "test"

    def side_of_unlabelled(self, motor: str, seed: int) -> Side:
        """Return the side of a motor without any label: the one that it keeps."""
        return self.side(motor, seed)

    def split(self, meta: "pandas.DataFrame", seed: int, normal: str = "normal") -> "pandas.DataFrame":
        """Deal the motors out; see `Split.split`."""
        sides = {str(motor): self.side(str(motor), seed) for motor in sorted(meta["motor"].unique())}
        advice = "label motors of it on that side; nobody moves to another"
        needed = meta if self.needs == "all" else meta[meta["label"] == normal]
        table = self.checked_table({"0": sides}, needed, advice, normal, tests=self.tests == "now")
        if self.needs == "all":
            return table
        return pandas.DataFrame([("0", *pair) for pair in sides.items()], columns=list(table))


PLUGIN = Growing
