from collections.abc import Callable

import pandas
import pytest
from pydantic import ValidationError

from motor.recordings.recording import DataError
from motor.recordings.splits.folds import Folds

ROWS = [
    (f"{label}-{k}", label, domain) for label in ("normal", "spark") for k in range(7) for domain in ("east", "west")
]


def test_folds_each_motor_is_tested_once(table: Callable[..., pandas.DataFrame]) -> None:
    sides = Folds().split(table(ROWS), 0)
    assert sorted(set(sides["fold"])) == ["0", "1", "2", "3", "4"]
    tested = sides[sides["side"] == "test"]
    assert sorted(tested["motor"]) == sorted({motor for motor, _, _ in ROWS})
    assert tested["fold"].value_counts().between(2, 4).all()


def test_folds_of_many_small_classes_have_one_size(table: Callable[..., pandas.DataFrame]) -> None:
    rows = [(f"{label}-{k}", label, "east") for label in ("normal", "a", "b", "c", "d") for k in range(6)]
    tested = Folds().split(table(rows), 0).query("side == 'test'")
    assert set(tested["fold"].value_counts()) == {6}


def test_folds_validation_is_the_next_fold(table: Callable[..., pandas.DataFrame]) -> None:
    sides = Folds(k=3).split(table(ROWS), 0)
    motors = {key: set(rows["motor"]) for key, rows in sides.groupby(["fold", "side"])}
    assert all(motors[str(k), "validation"] == motors[str((k + 1) % 3), "test"] for k in range(3))


def test_folds_without_validation_train_on_all_others(table: Callable[..., pandas.DataFrame]) -> None:
    sides = Folds(k=2, validation="none").split(table(ROWS), 0)
    assert set(sides["side"]) == {"train", "test"}


def test_folds_too_many_for_a_class_raise(table: Callable[..., pandas.DataFrame]) -> None:
    with pytest.raises(DataError, match=r"class 'normal' in domain 'east' has 7 motors, but 8 are needed.*lower k"):
        Folds(k=8).split(table(ROWS), 0)


def test_folds_two_with_validation_are_refused() -> None:
    with pytest.raises(ValidationError, match="nothing to train on"):
        Folds(k=2)
