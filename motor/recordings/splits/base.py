"""What all splits share: the table they return, and what holds for every one of them."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from motor.lazy import pandas
from motor.recordings.recording import DataError
from motor.recordings.splits.stratify import cells_of_motors
from motor.registry import Plugin

Side = Literal["train", "validation", "test"]
MOST_FOLDS = 10_000  # each is a fine-tune, and a line of every cell's plan


class Split(Plugin):
    """Settings common to all splits: a motor is one unit, on one side, whatever its sensors and labels.

    In each fold, each class of each domain has a motor on the train side and one on the test side; if there is a
    validation side, then the normal class of each domain has one there too.

    Attributes
    ----------
    trains_on : {"all", "normal"}
        Which series of the motors that are not tested take part: all, or healthy ones alone, as where faults are for
        the test only. The others are set aside; recipes are then detectors.
    """

    ROOM: ClassVar[str] = "motor.recordings.splits"

    trains_on: Literal["all", "normal"] = Field(default="all", exclude_if=lambda which: which == "all")

    def fold_names(self) -> tuple[str, ...]:
        """Return the names of the folds, which are known before the data is read."""
        raise NotImplementedError

    def split(self, meta: "pandas.DataFrame", seed: int, normal: str = "normal") -> "pandas.DataFrame":
        """Deal the motors out.

        Parameters
        ----------
        meta : pandas.DataFrame
            `Recordings.meta`: motor, label, domain and fold are used; the order of its rows does not matter.
        seed : int
            The same table and seed give the same split.
        normal : str
            The class of healthy motors.

        Returns
        -------
        pandas.DataFrame
            Columns fold, motor, side (train, validation or test); one row for each motor of each fold.

        Raises
        ------
        DataError
            If there are too few motors of a class in a domain; it names them and says how many are needed.
        """
        raise NotImplementedError

    def side_of_unlabelled(self, motor: str, seed: int) -> Side:
        """Return the side of a motor without any label, in every fold: by default it trains."""
        return "train"

    def checked_table(
        self,
        folds: Mapping[str, Mapping[str, str]],
        meta: "pandas.DataFrame",
        advice: str,
        normal: str,
        tests: bool = True,
    ) -> "pandas.DataFrame":
        """Return the sides of each fold's motors as one table, after checking what the class promises.

        Of the test side it is not checked where `tests` is False.
        """
        motors = cells_of_motors(meta)
        cells = sorted(set().union(*motors.values()))
        for fold, sides in folds.items():
            has_validation = "validation" in sides.values()
            for label, domain in cells:
                members = [motor for motor, found in motors.items() if (label, domain) in found]
                present = {sides[motor] for motor in members}
                also = ["validation"] if has_validation and label == normal else []
                needed = ["train", *(["test"] if tests else []), *also]
                if lacking := [side for side in needed if side not in present]:
                    raise DataError(
                        f"fold {fold!r}: class {label!r} in domain {domain!r} has no motor on the {lacking[0]} side; "
                        f"it has {len(members)} motors ({', '.join(members[:5])}), needed are {len(needed)}, one for "
                        f"each of {', '.join(needed)}; {advice}"
                    )
        rows = [(fold, motor, sides[motor]) for fold, sides in folds.items() for motor in motors]
        return pandas.DataFrame(rows, columns=["fold", "motor", "side"])


def sides_of_fold(fold_of_motor: Mapping[str, str], fold: str, validation: str | None) -> dict[str, str]:
    """Return the sides in one fold: its own motors test, those of the fold `validation` validate, others train."""
    sides = {fold: "test", validation: "validation"}
    return {motor: sides.get(own, "train") for motor, own in fold_of_motor.items()}


def rotate(fold_of_motor: Mapping[str, str], validation: Literal["next", "none"]) -> dict[str, dict[str, str]]:
    """Return the sides in every fold; with ``next``, the fold after it validates, the first after the last.

    Folds are sorted by name, numbers by value.
    """
    names = sorted(set(fold_of_motor.values()), key=lambda name: (len(name), name) if name.isdigit() else (0, name))
    after = dict(zip(names, [*names[1:], *names[:1]], strict=True))
    return {name: sides_of_fold(fold_of_motor, name, after[name] if validation == "next" else None) for name in names}
