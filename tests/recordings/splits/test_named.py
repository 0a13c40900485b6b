from collections.abc import Callable
from typing import Any

import pandas
import pytest
from pydantic import ValidationError

from motor.recordings.recording import DataError
from motor.recordings.splits.named import Named

ROWS = [(f"{label}-{k}", label, "east") for label in ("normal", "spark") for k in (2, 5, 8)]
PATTERNS = {"2": ("*-2",), "5": ("*-5",), "8": ("normal-8", "spark-[89]")}


def test_named_patterns_test_the_motors_that_match(table: Callable[..., pandas.DataFrame]) -> None:
    sides = Named(folds=PATTERNS).split(table(ROWS), 0)
    wide = sides.pivot(index="motor", columns="fold", values="side")
    assert wide.loc["spark-8"].to_dict() == {"2": "train", "5": "validation", "8": "test"}
    assert wide.loc["normal-2"].to_dict() == {"2": "test", "5": "train", "8": "validation"}


def test_named_fold_of_the_recordings_counts_without_patterns(table: Callable[..., pandas.DataFrame]) -> None:
    meta = table(ROWS).assign(fold=[f"fold {motor[-1]}" for motor, _, _ in ROWS])
    names = ("fold 2", "fold 5", "fold 8")
    sides = Named(validation="none", names=names).split(meta, 0)
    tested = sides[sides["side"] == "test"]
    assert sorted(zip(tested["fold"], tested["motor"], strict=True)) == sorted(
        (f"fold {motor[-1]}", motor) for motor, _, _ in ROWS
    )
    assert set(sides["side"]) == {"train", "test"}


@pytest.mark.parametrize(
    ("folds", "problem"),
    [
        ({**PATTERNS, "9": ("sparks-9",)}, r"folds\['9'\]: pattern 'sparks-9' matches no motor.*there are: normal-2"),
        ({"2": ("*-2",), "5": ("*-5",)}, "motor 'normal-8' is in no fold"),
        ({**PATTERNS, "9": ("*-2",)}, "motor 'normal-2' is in the folds '2', '9'; each motor is tested in just one"),
        (
            {"a": ("spark-*",), "b": ("normal-*",)},
            "fold 'a': class 'normal' in domain 'east' has no motor on the train",
        ),
        (
            {"a": ("*-2",), "b": ("normal-5",), "c": ("spark-5", "*-8")},
            "fold 'b': class 'spark' in domain 'east' has no motor on the test side; it has 3 motors .* needed are 2",
        ),
    ],
)
def test_named_folds_at_fault_raise(
    folds: dict[str, tuple[str, ...]], problem: str, table: Callable[..., pandas.DataFrame]
) -> None:
    with pytest.raises(DataError, match=problem):
        Named(folds=folds).split(table(ROWS), 0)


def test_named_recordings_without_a_fold_raise(table: Callable[..., pandas.DataFrame]) -> None:
    with pytest.raises(DataError, match=r"motor 'normal-2' is in no fold.*correct the recordings' fold"):
        Named(names=("a",)).split(table(ROWS).assign(fold=None), 0)


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (("2", "5"), r"motor 'normal-8' has the fold '8'; names lists: 2, 5; add it there"),
        (("2", "5", "8", "9"), "fold '9' has no motor to test"),
    ],
)
def test_named_folds_other_than_the_names_raise(
    names: tuple[str, ...], problem: str, table: Callable[..., pandas.DataFrame]
) -> None:
    meta = table(ROWS).assign(fold=[motor[-1] for motor, _, _ in ROWS])
    with pytest.raises(DataError, match=problem):
        Named(names=names).split(meta, 0)


@pytest.mark.parametrize("settings", [{}, {"folds": PATTERNS, "names": ("2", "5", "8")}])
def test_named_settings_name_the_folds_in_one_way(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="give either folds"):
        Named(**settings)
