from collections.abc import Callable
from itertools import product

import pandas
import pytest

from motor.recordings.recording import DataError
from motor.recordings.splits.combinations import Combinations

Table = Callable[..., pandas.DataFrame]


def motors(n_normal: int, n_spark: int, *domains: str) -> list[tuple[str, str, str]]:
    """Return rows of healthy and of faulty motors, each with a sensor in each domain."""
    numbered = [("normal", k) for k in range(n_normal)] + [("spark", k) for k in range(n_spark)]
    return [(f"{label}-{k}", label, domain) for label, k in numbered for domain in domains]


def held_out(sides: pandas.DataFrame) -> list[frozenset[str]]:
    tested = sides[sides["side"] == "test"]
    return [frozenset(rows["motor"]) for _, rows in tested.groupby("fold", sort=False)]


@pytest.mark.parametrize("seed", range(5))
def test_combinations_as_many_as_there_are_give_every_one(seed: int, table: Table) -> None:
    sides = Combinations(n_folds=9).split(table(motors(3, 3, "east", "west")), seed)
    expected = {
        frozenset(pair) for pair in product([f"normal-{k}" for k in range(3)], [f"spark-{k}" for k in range(3)])
    }
    assert set(held_out(sides)) == expected
    assert len(held_out(sides)) == 9


@pytest.mark.parametrize("seed", range(10))
def test_combinations_sample_holds_out_as_many_of_each_class(seed: int, table: Table) -> None:
    sides = Combinations(n_folds=12, hold_out=2).split(table(motors(7, 5, "east")), seed)
    assert len(set(held_out(sides))) == 12
    classes = sides["motor"].str.split("-").str[0]
    counts = sides.groupby(["fold", classes])["side"].value_counts().unstack(fill_value=0)
    assert (counts["test"] == 2).all()
    assert (counts["validation"] == 1).all()


@pytest.mark.parametrize("seed", range(10))
def test_combinations_sample_tests_each_motor_about_as_often(seed: int, table: Table) -> None:
    sides = Combinations(n_folds=10).split(table(motors(5, 5, "east")), seed)
    times = sides[sides["side"] == "test"]["motor"].value_counts()
    assert len(times) == 10
    assert times.between(1, 3).all()


def test_combinations_more_than_there_are_say_how_many(table: Table) -> None:
    with pytest.raises(DataError, match=r"n_folds is 13, but only 12 combinations .* set n_folds to 12 at most"):
        Combinations(n_folds=13, validation=0).split(table(motors(4, 3, "east")), 0)


def test_combinations_of_two_rigs_hold_out_a_motor_of_each(table: Table) -> None:
    rows = [(f"{rig}-{motor}", label, rig) for rig in ("a", "b") for motor, label, _ in motors(4, 4, rig)]
    sides = Combinations(n_folds=20).split(table(rows), 0)
    assert all({motor[:3] for motor in fold} == {"a-n", "a-s", "b-n", "b-s"} for fold in held_out(sides))
    assert all(len(fold) == 4 for fold in held_out(sides))


def test_combinations_small_class_keeps_its_motors_for_training(table: Table) -> None:
    sides = Combinations(n_folds=6).split(table(motors(4, 3, "east")), 0)
    validating = sides[sides["side"] == "validation"]["motor"]
    assert set(validating.str.split("-").str[0]) == {"normal"}


def test_combinations_without_validation_train_on_all_others(table: Table) -> None:
    sides = Combinations(n_folds=4, validation=0).split(table(motors(2, 2, "east")), 0)
    assert set(sides["side"]) == {"train", "test"}


def test_combinations_too_few_motors_say_how_many_are_needed(table: Table) -> None:
    expected = (
        r"class 'normal' in domain 'east' has 2 motors, but 3 are needed \(1 to test, 1 to validation, 1 to train"
    )
    with pytest.raises(DataError, match=expected):
        Combinations(n_folds=2).split(table(motors(2, 5, "east")), 0)


def test_combinations_of_motors_with_several_classes_are_counted_by_drawing(table: Table) -> None:
    rows = [("M1", "normal", "east"), ("M1", "spark", "east"), *motors(2, 2, "east")]
    sides = Combinations(n_folds=4, validation=0).split(table(rows), 0)
    labels = {motor: {label for name, label, _ in rows if name == motor} for motor, _, _ in rows}
    assert all({label for motor in fold for label in labels[motor]} == {"normal", "spark"} for fold in held_out(sides))
    with pytest.raises(DataError, match=r"n_folds is 100, but only \d+ combinations"):
        Combinations(n_folds=100, validation=0).split(table(rows), 0)
