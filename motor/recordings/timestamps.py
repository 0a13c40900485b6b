"""The sampling rate that a table's timestamps tell."""

import math

import numpy as np

from motor.lazy import pyarrow
from motor.recordings.recording import SeriesError

NEXT_STEP = "set sampling_rate_hz (and ignore_timestamps: true where the rows are in order all the same)"
# A step this much longer than the mean one is a gap, not jitter or rounding.
LONGEST_STEP = 1.5
HIGHEST_HZ = 2e7  # days, as a spreadsheet counts them, tell more for 250 Hz
EVEN_SHARE = 0.9  # of the steps, by length: what is longer may be a pause
MOST_TIMES = 20.0  # beyond which seconds may be another unit


def sampling_rate(texts: "pyarrow.Array", lines: np.ndarray, place: str) -> float:
    """Return the samples a second of even timestamps, to six digits, for timestamps are rounded.

    Parameters
    ----------
    texts : pyarrow.Array of str, n_samples
        Dates with times (ISO 8601), or seconds as decimal numbers.
    lines : ndarray of shape (n_samples,)
        Each timestamp's line in the file, for messages.
    place : str
        The file, for messages.

    Raises
    ------
    SeriesError
        If they are neither, do not grow or leave a gap, or are integers, which could count samples as well as any
        unit of time.
    """
    if len(texts) < 2:
        raise SeriesError(f"{place}, line {lines[0]}: one timestamp tells no sampling rate; {NEXT_STEP}")
    seconds = _seconds(texts, f"{place}, line {lines[0]}")
    if _are_whole(texts):
        raise SeriesError(
            f"{place}, line {lines[0]}: timestamp {texts[0].as_py()!r} is an integer of unknown unit; {NEXT_STEP}"
        )
    steps = np.diff(seconds)
    mean = float(seconds[-1] - seconds[0]) / len(steps)
    odd = ~((steps > 0) & (steps <= LONGEST_STEP * mean))
    if odd.any():
        first = int(np.argmax(odd))
        raise SeriesError(
            f"{place}, line {lines[first + 1]}: timestamp {texts[first + 1].as_py()!r} comes {steps[first]:.6g} s "
            f"after the last, where the mean step is {mean:.6g} s; {NEXT_STEP}"
        )
    if 1 / mean > HIGHEST_HZ:
        raise SeriesError(
            f"{place}, line {lines[0]}: timestamp {texts[0].as_py()!r} and those after it tell {1 / mean:.3g} Hz, "
            f"which no recorder has: are they in days or hours? {NEXT_STEP}"
        )
    return float(f"{1 / mean:.6g}")


def _are_whole(texts: "pyarrow.Array") -> bool:
    """Tell whether timestamps are integers, which could count samples as well as any unit of time."""
    numbers = _numbers(texts)
    return numbers is not None and bool((numbers == np.round(numbers)).all())


def _numbers(texts: "pyarrow.Array") -> np.ndarray | None:
    """Return timestamps as numbers, None if they are dates."""
    try:
        return pyarrow.compute.cast(texts, pyarrow.float64()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowInvalid:
        return None


def check_order(texts: "pyarrow.Array", lines: np.ndarray, place: str, rate_hz: float | None = None) -> None:
    """Raise if timestamps go back, or tell quite another rate than the settings; those not understood say nothing.

    Parameters
    ----------
    texts, lines, place
        As of `sampling_rate`.
    rate_hz : float, optional
        What the settings tell.

    Raises
    ------
    SeriesError
        It names the line.
    """
    try:
        seconds = _seconds(texts, place)
    except SeriesError:
        return
    steps = np.diff(seconds)
    if (steps < 0).any():
        first = int(np.argmax(steps < 0))
        raise SeriesError(
            f"{place}, line {lines[first + 1]}: timestamp {texts[first + 1].as_py()!r} comes before the last, "
            f"{texts[first].as_py()!r}; sort the rows, or set ignore_timestamps: true if the rows are in order"
        )
    even = np.sort(steps)[: int(EVEN_SHARE * len(steps))]
    if rate_hz is None or not even.sum() > 0 or _are_whole(texts):
        return
    told_hz = len(even) / float(even.sum())
    times = max(told_hz / rate_hz, rate_hz / told_hz)
    if LONGEST_STEP < times < (MOST_TIMES if _numbers(texts) is not None else math.inf):
        raise SeriesError(
            f"{place}, line {lines[0]}: the sampling rate is some {told_hz:.4g} Hz by the timestamps, and {rate_hz:g} "
            "Hz by the settings; take sampling_rate_hz out, or set ignore_timestamps: true"
        )


def _seconds(texts: "pyarrow.Array", place: str) -> np.ndarray:
    """Return timestamps in seconds after the first, as float64 (n_samples,)."""
    numbers = _numbers(texts)
    if numbers is not None:
        return numbers - numbers[0]
    nanoseconds = _nanoseconds(texts, place)
    return (nanoseconds - nanoseconds[0]) / 1e9


def _nanoseconds(texts: "pyarrow.Array", place: str) -> np.ndarray:
    """Return dates with times, with or without their zone, as integers (n_samples,)."""
    for zone in (None, "UTC"):
        try:
            dates = pyarrow.compute.cast(texts, pyarrow.timestamp("ns", zone))
        except pyarrow.ArrowInvalid:
            continue
        return dates.cast(pyarrow.int64()).to_numpy(zero_copy_only=False)
    raise SeriesError(f"{place}: timestamp {texts[0].as_py()!r}, or one after it, is not understood; {NEXT_STEP}")
