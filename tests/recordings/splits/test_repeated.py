from collections.abc import Callable

import pandas
import pytest
from pydantic import ValidationError

from motor.recordings.recording import DataError
from motor.recordings.splits.repeated import Repeated

ROWS = [
    (f"{label}-{k}", label, domain) for label in ("normal", "spark") for k in range(6) for domain in ("east", "west")
]
Table = Callable[..., pandas.DataFrame]


def together(sides: pandas.DataFrame, repeat: str) -> set[frozenset[str]]:
    """Return which motors one repeat tests together."""
    tested = sides[(sides["side"] == "test") & sides["fold"].str.startswith(repeat)]
    return {frozenset(rows["motor"]) for _, rows in tested.groupby("fold")}


def test_repeated_names_tell_repeat_and_fold() -> None:
    assert Repeated(repeats=2, k=3).fold_names() == ("r1f1", "r1f2", "r1f3", "r2f1", "r2f2", "r2f3")


@pytest.mark.parametrize("seed", range(10))
def test_repeated_each_motor_is_tested_once_a_repeat(seed: int, table: Table) -> None:
    sides = Repeated(repeats=4, k=3).split(table(ROWS), seed)
    tested = sides[sides["side"] == "test"]
    for _, of_repeat in tested.groupby(tested["fold"].str[:2]):
        assert sorted(of_repeat["motor"]) == sorted({motor for motor, _, _ in ROWS})
        classes = of_repeat["motor"].str.split("-").str[0]
        assert (pandas.crosstab(of_repeat["fold"], classes) == 2).all(axis=None)


@pytest.mark.parametrize("seed", range(10))
def test_repeated_each_repeat_is_another_combination(seed: int, table: Table) -> None:
    sides = Repeated(repeats=6, k=3, validation="none").split(table([row for row in ROWS if row[0][-1] in "012"]), seed)
    combinations = {frozenset(together(sides, f"r{repeat}")) for repeat in range(1, 7)}
    assert len(combinations) == 6  # of 3! ways to pair 3 healthy motors with 3 faulty ones: all


def test_repeated_more_than_there_are_says_how_many(table: Table) -> None:
    with pytest.raises(DataError, match=r"6 motors can be dealt into 3 folds in 6 ways only.*set repeats to 6 at most"):
        Repeated(repeats=7, k=3).split(table([row for row in ROWS if row[0][-1] in "012"]), 0)


def test_repeated_validation_is_the_next_fold_of_the_same_repeat(table: Table) -> None:
    sides = Repeated(repeats=2, k=3).split(table(ROWS), 0)
    motors = {key: set(rows["motor"]) for key, rows in sides.groupby(["fold", "side"])}
    for repeat in ("r1", "r2"):
        assert all(
            motors[f"{repeat}f{k + 1}", "validation"] == motors[f"{repeat}f{(k + 1) % 3 + 1}", "test"] for k in range(3)
        )


def test_repeated_more_repeats_keep_the_first_ones(table: Table) -> None:
    few, more = (Repeated(repeats=n, k=3).split(table(ROWS), 5) for n in (2, 4))
    pandas.testing.assert_frame_equal(more[more["fold"].isin(few["fold"])], few)


def test_repeated_too_many_folds_for_a_class_raise(table: Table) -> None:
    with pytest.raises(DataError, match=r"class 'normal' in domain 'east' has 6 motors, but 7 are needed.*lower k"):
        Repeated(k=7).split(table(ROWS), 0)


def test_repeated_two_folds_with_validation_are_refused() -> None:
    with pytest.raises(ValidationError, match="nothing to train on"):
        Repeated(k=2)
