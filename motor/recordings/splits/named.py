"""Folds that the data names, say by unseen severity of a fault."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from motor.recordings.recording import DataError, near
from motor.recordings.splits.base import Split, rotate

if TYPE_CHECKING:
    import pandas


class Named(Split):
    """Each motor is tested in the one fold that is named for it, and trains in the others.

    Nothing is drawn, so the seed does not matter.

    Attributes
    ----------
    folds : dict
        Fold -> patterns (``*``, ``?``, ``[...]``) of the names of its test motors.
    names : tuple of str
        Instead of `folds`: the names of the folds that the recordings themselves have from their reader.
    validation : {"next", "none"}
        What the validation side is: the fold after the tested one, in sorted order (the first after the last), or
        nothing.
    """

    kind: Literal["named"] = "named"
    folds: dict[str, tuple[str, ...]] = Field(default={})
    names: tuple[str, ...] = Field(default=())
    validation: Literal["next", "none"] = "next"

    @model_validator(mode="after")
    def _check_folds_are_named(self) -> "Named":
        if bool(self.folds) == bool(self.names):
            raise ValueError("give either folds (patterns of motors) or names (of the folds that the recordings have)")
        return self

    def fold_names(self) -> tuple[str, ...]:
        """Return the names that the settings give; see `Split.fold_names`."""
        return tuple(self.folds) or self.names

    def split(self, meta: "pandas.DataFrame", seed: int, normal: str = "normal") -> "pandas.DataFrame":
        """Deal the motors out; see `Split.split`."""
        motors = sorted(meta["motor"].unique())
        choices = self._by_pattern(motors) if self.folds else _by_recording(meta)
        source = "folds" if self.folds else "the recordings' fold"
        for motor in motors:
            found = sorted(choices.get(motor, ()))
            if len(found) != 1:
                where = f"the folds {', '.join(map(repr, found))}" if found else "no fold"
                raise DataError(
                    f"motor {motor!r} is in {where}; each motor is tested in just one; correct {source}, "
                    f"which names: {', '.join(sorted(set().union(*choices.values()))) or 'none'}"
                )
        fold_of_motor = {motor: min(choices[motor]) for motor in motors}
        self._check_names(fold_of_motor)
        advice = f"move motors between folds, in {source}, or set validation: none"
        return self.checked_table(rotate(fold_of_motor, self.validation), meta, advice, normal)

    def _check_names(self, fold_of_motor: dict[str, str]) -> None:
        """Raise if the folds that the motors have are not those that the settings name."""
        names = self.fold_names()
        for motor, fold in fold_of_motor.items():
            if fold not in names:
                raise DataError(
                    f"motor {motor!r} has the fold {fold!r}{near(fold, names)}; names lists: {', '.join(names)}; "
                    "add it there, or correct the recordings' fold"
                )
        if empty := [name for name in names if name not in fold_of_motor.values()]:
            raise DataError(f"fold {empty[0]!r} has no motor to test; take it out of the split's settings")

    def _by_pattern(self, motors: list[str]) -> dict[str, set[str]]:
        """Return the folds whose patterns match each motor."""
        choices: dict[str, set[str]] = {motor: set() for motor in motors}
        for fold, patterns in self.folds.items():
            for pattern in patterns:
                matched = [motor for motor in motors if fnmatchcase(motor, pattern)]
                if not matched:
                    raise DataError(
                        f"folds[{fold!r}]: pattern {pattern!r} matches no motor{near(pattern, motors)}; there are: "
                        f"{', '.join(motors[:20])}{', ...' if len(motors) > 20 else ''}; correct the pattern"
                    )
                for motor in matched:
                    choices[motor].add(fold)
        return choices


def _by_recording(meta: "pandas.DataFrame") -> dict[str, set[str]]:
    """Return the folds that the recordings of each motor have."""
    named = meta[meta["fold"].notna()]
    return {str(motor): set(folds) for motor, folds in named.groupby("motor")["fold"]}


PLUGIN = Named
