import numpy as np
import pyarrow
import pytest

from motor.recordings.recording import SeriesError
from motor.recordings.timestamps import sampling_rate

LINES = np.arange(2, 102)
STEPS = np.arange(100)


def dates(rate_hz: float, ending: str = "") -> list[str]:
    """Return 100 dates to the microsecond, as a database writes them."""
    start = np.datetime64("2024-01-01T00:00:59.99", "ns")
    moments = start + np.round(STEPS * 1e6 / rate_hz).astype("timedelta64[us]")
    return [f"{moment}".replace("T", " ")[:26] + ending for moment in moments]


@pytest.mark.parametrize("ending", ["", "Z", "+08:00"])
def test_sampling_rate_dates_with_rounding_are_understood(ending: str) -> None:
    assert sampling_rate(pyarrow.array(dates(5000, ending)), LINES, "x.csv") == pytest.approx(5000, rel=1e-3)


def test_sampling_rate_seconds_are_understood() -> None:
    texts = pyarrow.array([f"{7 + step / 65536:.9f}" for step in STEPS])
    assert sampling_rate(texts, LINES, "x.csv") == pytest.approx(65536, rel=1e-5)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ([str(step) for step in STEPS], r"x\.csv, line 2: timestamp '0' is an integer"),
        (["noon"] * 100, r"line 2: timestamp 'noon'.* not understood"),
        (dates(5000)[:50] + dates(5000)[49:99], r"line 52: timestamp .* comes 0 s"),
        (dates(5000)[:50] + dates(1000)[50:], r"line 52: timestamp .* comes 0\.04"),
        (["0.5"], r"line 2: one timestamp"),
    ],
)
def test_sampling_rate_unclear_raises_with_the_line(texts: list[str], problem: str) -> None:
    with pytest.raises(SeriesError, match=problem):
        sampling_rate(pyarrow.array(texts), LINES, "x.csv")
