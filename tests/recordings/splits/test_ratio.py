from collections.abc import Callable

import pandas
import pytest

from motor.recordings.recording import DataError
from motor.recordings.splits.ratio import Ratio


def motors(label: str, n_motors: int, *domains: str) -> list[tuple[str, str, str]]:
    """Return rows of motors with sensors in the given domains."""
    return [(f"{label}-{domains[0]}-{k}", label, domain) for k in range(n_motors) for domain in domains]


def counts(sides: pandas.DataFrame) -> dict[str, dict[str, int]]:
    """Return the number of motors by class and side."""
    label = sides["motor"].str.split("-").str[0]
    return {name: dict(rows["side"].value_counts()) for name, rows in sides.groupby(label)}


def test_ratio_of_many_motors_is_exact(table: Callable[..., pandas.DataFrame]) -> None:
    meta = table([*motors("normal", 40, "east", "west"), *motors("spark", 10, "east", "west")])
    sides = Ratio().split(meta, 123)
    assert set(sides["fold"]) == {"0"}
    assert counts(sides) == {
        "normal": {"train": 28, "validation": 4, "test": 8},
        "spark": {"train": 7, "validation": 1, "test": 2},
    }


def test_ratio_of_few_motors_keeps_faults_for_training(table: Callable[..., pandas.DataFrame]) -> None:
    sides = Ratio().split(table([*motors("normal", 3, "east"), *motors("spark", 3, "east")]), 0)
    assert counts(sides) == {"normal": {"train": 1, "validation": 1, "test": 1}, "spark": {"train": 2, "test": 1}}


def test_ratio_without_validation_leaves_the_side_out(table: Callable[..., pandas.DataFrame]) -> None:
    sides = Ratio(validation=0).split(table([*motors("normal", 2, "east"), *motors("spark", 2, "east")]), 0)
    assert counts(sides) == {label: {"train": 1, "test": 1} for label in ("normal", "spark")}


def test_ratio_each_domain_is_stratified(table: Callable[..., pandas.DataFrame]) -> None:
    rows = [row for domain in ("east", "west") for label in ("normal", "spark") for row in motors(label, 10, domain)]
    sides = Ratio().split(table(rows), 7)
    cell = sides["motor"].str.rsplit("-", n=1).str[0]
    assert all(
        dict(rows["side"].value_counts()) == {"train": 7, "validation": 1, "test": 2} for _, rows in sides.groupby(cell)
    )


@pytest.mark.parametrize(
    ("n_normal", "n_spark", "problem"),
    [
        (3, 1, "class 'spark' in domain 'west' has 1 motors, but 2 are needed, one for each of train, test; add"),
        (2, 3, "class 'normal' in domain 'west' has 2 motors, but 3 are needed, .* train, validation, test; add"),
    ],
)
def test_ratio_impossible_says_what_is_needed(
    n_normal: int, n_spark: int, problem: str, table: Callable[..., pandas.DataFrame]
) -> None:
    rows = [*motors("normal", 5, "east"), *motors("spark", 5, "east")]
    rows += [*motors("normal", n_normal, "west"), *motors("spark", n_spark, "west")]
    with pytest.raises(DataError, match=problem):
        Ratio().split(table(rows), 0)


def test_ratio_motors_of_several_classes_without_a_way_raise(table: Callable[..., pandas.DataFrame]) -> None:
    triangle = [("M1", "a"), ("M2", "a"), ("M2", "b"), ("M3", "b"), ("M3", "c"), ("M1", "c")]
    meta = table((motor, label, "east") for motor, label in triangle)
    with pytest.raises(DataError, match=r"no split found .* 3 motors have several classes or domains .M1, M2, M3"):
        Ratio(validation=0).split(meta, 0)
