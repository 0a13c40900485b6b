import datetime

import pytest

from motor.recordings.fields import first_known, seconds_since_1970, truth
from motor.recordings.recording import DataError


def test_first_known_passes_over_what_tells_nothing() -> None:
    assert first_known([None, "", float("nan"), 0.0, "x"]) == 0.0
    assert first_known([None]) is None
    assert first_known([False]) is False


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("1970-01-02", 86400.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01 00:00:01.5", 1.5),
        ("12.5", 12.5),
        (12.5, 12.5),
        (datetime.datetime(1970, 1, 1, 0, 1), 60.0),
        (None, None),
    ],
)
def test_time_of_each_kind_becomes_seconds(told: object, seconds: float | None) -> None:
    assert seconds_since_1970(told, "a", "x.csv, line 2") == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize("told", ["yesterday", "31.05.2024", "inf"])
def test_time_not_understood_says_what_is(told: str) -> None:
    with pytest.raises(DataError, match=rf"x\.csv, line 2: item 'a' has recorded_at '{told}'.*ISO 8601"):
        seconds_since_1970(told, "a", "x.csv, line 2")


@pytest.mark.parametrize(("told", "is_true"), [("Yes", True), (1.0, True), (True, True), ("0", False), (None, False)])
def test_truth_of_each_kind_is_understood(told: object, is_true: bool) -> None:
    assert truth(told, "reference", "a", "x.csv") is is_true  # type: ignore[arg-type]


def test_truth_not_understood_says_what_is() -> None:
    with pytest.raises(DataError, match="has reference 'maybe'; allowed: true, yes"):
        truth("maybe", "reference", "a", "x.csv")
