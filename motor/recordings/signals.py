"""Signals out of one file, of any of the formats that there are."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from motor.recordings.fields import Value
from motor.recordings.formats.base import MOST_SAMPLES, Format, SignalOptions, Variable, by_suffix, formats
from motor.recordings.formats.choosing import is_number
from motor.recordings.packed import unpacked
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

__all__ = [
    "MOST_SAMPLES",
    "SignalOptions",
    "contents",
    "finite_signal",
    "keep_freed_memory",
    "read_signal",
    "read_signals",
    "read_value",
]
# Squares of more are beyond float32. Instruments write 9.9e37 (SCPI) and the like where they could not measure.
LARGEST = 1e18
# How much of a signal's deviation may be lost where float32 rounds it.
LOST = 1e-4
BLOCK = 2**20  # samples looked at in one step
KEPT_BYTES = 30 << 20  # just under the most that glibc goes by


def read_signal(
    path: Path, variable: str | None = None, options: SignalOptions | None = None
) -> tuple[np.ndarray, float | None]:
    """Read the one signal that a file holds.

    Parameters
    ----------
    path : Path
        - ``.csv``: one column of numbers, with or without a header; or two columns of which the first, a time, only
          grows (it is not used further: set the rate). Separated by comma, semicolon, tab or blanks. Any other
          table needs `variable`.
        - ``.npy``: numbers of shape (n,), (n, 1) or (1, n); integers are not scaled.
        - ``.wav``: one channel; integer PCM is scaled to [-1, 1].
        - ``.mat`` up to version 7: one variable, of shape (n, 1) or (1, n).
    variable : str, optional
        In the place of ``options.variable``. Where files mix formats, that setting speaks of those whose signals have
        names: for the others a name means nothing, only a number does.
    options : SignalOptions, optional

    Returns
    -------
    signal : ndarray of shape (n_samples,), float32
        See `finite_signal`.
    sampling_rate_hz : float or None
        From the head of a ``.wav``; the other formats tell none.

    Raises
    ------
    SeriesError
        If the file is empty, cut off, unreadable, of another format than its name says, too long, holds another shape,
        or a sample is text, NaN, infinite or no measured value.
    DataError
        If the file is missing or its format is not known.
    """
    options = options or SignalOptions()
    with unpacked(path) as file:
        format_ = format_of(file, options)
        wanted = variable or options.variable
        if variable is None and wanted and not format_.has_names and not is_number(wanted):
            wanted = None
        (signal,) = format_.read(file, [wanted], options)
    return finite_signal(signal.values, str(path)), signal.sampling_rate_hz


def read_signals(
    path: Path, wanted: Sequence[str | None], options: SignalOptions
) -> list[tuple[np.ndarray, float | None]]:
    """Read several signals of one file in one pass; see `read_signal`."""
    with unpacked(path) as file:
        signals = format_of(file, options).read(file, wanted, options)
    return [(finite_signal(one.values, str(path)), one.sampling_rate_hz) for one in signals]


def read_value(path: Path, wanted: str, options: SignalOptions) -> Value:
    """Return the one value that a file tells under a name; see `motor.recordings.formats.base.Format.value`."""
    with unpacked(path) as file:
        return format_of(file, options).value(file, wanted, options)


def contents(path: Path, options: SignalOptions) -> list[Variable]:
    """Return what lies in a file under which names; see `motor.recordings.formats.base.Format.contents`."""
    with unpacked(path) as file:
        return format_of(file, options).contents(file, options)


def format_of(path: Path, options: SignalOptions) -> Format:
    """Return the format of a file, by its name's end or as the settings say.

    Raises
    ------
    DataError
        If there is no such file, or its format is not known. `SeriesError` if it is empty.
    """
    found = formats()[options.format] if options.format else by_suffix().get(path.suffix.lower())
    if found is None:
        raise DataError(
            f"{path}: unknown format {path.suffix!r}; allowed: {', '.join(sorted(by_suffix()))}; convert the "
            "file, or say by format what all files are (table: text)"
        )
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; put it there, or take it out of the dataset")
    if path.stat().st_size == 0:
        raise SeriesError(f"{path}: the file is empty (0 bytes); {NEXT_STEP}")
    return found


def finite_signal(values: np.ndarray, place: str) -> np.ndarray:
    """Return a signal as float32 (n_samples,).

    Where float32 cannot hold it (a small signal on a large offset, counts of 32 bits), its mean is taken off before,
    in float64: of such a signal the offset is lost, not the samples.

    Raises
    ------
    SeriesError
        If it is not one-dimensional, not real numbers, or if a sample is NaN, infinite, or beyond `LARGEST`.
    """
    if values.ndim != 1 or values.dtype.kind not in "fiu":
        raise SeriesError(
            f"{place}: a signal is one row of real numbers, not {values.dtype} {values.shape}; {NEXT_STEP}"
        )
    values = values.astype(np.float32) if values.dtype == np.float16 else values
    plain = _plain(values)
    if plain is not None:
        return plain
    first = first_unmeasured(values)
    if first is not None:
        raise SeriesError(f"{place}: sample {first} is {values[first]}{unmeasured(float(values[first]))}; {NEXT_STEP}")
    return _narrowed(values)


def keep_freed_memory() -> None:
    """Let signals take the memory of those before them: glibc gives no block back that is smaller than one it freed.

    By default it asks the kernel for the pages of each signal anew, which takes half as long as to decode a WAV.
    Elsewhere it does nothing.
    """
    np.empty(KEPT_BYTES, dtype=np.uint8)  # neither written to nor kept


def _plain(values: np.ndarray) -> np.ndarray | None:
    """Return a signal as float32 where a quick look shows that nothing is lost or wrong, else None.

    Two values that lie a span apart give n of them a deviation of at least span / sqrt(2 n).
    """
    if not len(values) or (values.dtype.kind in "iu" and values.dtype.itemsize == 8):
        return None
    if values.dtype == np.float32:  # no sum of squares is small with NaN or a large number in it
        with np.errstate(over="ignore", invalid="ignore"):
            return values if float(np.dot(values, values)) < LARGEST**2 / 4 else None
    with np.errstate(over="ignore"):
        signal = values.astype(np.float32, copy=False)
    low, high = float(signal.min()), float(signal.max())
    if not max(-low, high) < LARGEST / 2:  # NaN is not, either
        return None
    rounding = float(np.spacing(np.float32(max(-low, high)))) / 2
    return signal if rounding <= LOST * (high - low) / math.sqrt(2 * len(values)) else None


def first_unmeasured(values: np.ndarray) -> int | None:
    """Return the place of the first number that is no sample, NaN among them; None if all are."""
    for begin in range(0, len(values), BLOCK):
        measured = np.abs(values[begin : begin + BLOCK]) <= LARGEST
        if not measured.all():
            return begin + int(np.argmin(measured))
    return None


def unmeasured(value: float) -> str:
    """Return in words why a number is no sample; empty for NaN and infinity, which say it themselves."""
    if not np.isfinite(value):
        return ""
    beyond = ", beyond float32" if abs(value) > float(np.finfo(np.float32).max) else ""
    return f"{beyond}, no measured value (some instruments write 9.9e37 where they could not measure)"


def _narrowed(values: np.ndarray) -> np.ndarray:
    """Return finite numbers as float32, without their mean where it would swallow them."""
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        values = values.astype(np.longdouble)  # float64 cannot hold them either
    signal = values.astype(np.float32, copy=False)
    if values.dtype == np.float32 or not len(values):
        return signal
    rounding = float(np.spacing(np.abs(signal).max())) / 2
    deviation = float(np.std(values, dtype=np.longdouble if values.dtype == np.longdouble else np.float64))
    wide = values.astype(np.longdouble) if rounding > LOST * deviation > 0 else None
    if wide is None or abs(wide.mean()) <= deviation:
        return signal
    return (wide - wide.mean()).astype(np.float32)
