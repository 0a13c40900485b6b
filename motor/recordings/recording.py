"""The unit of data: one signal, with what is known of it."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

BEGIN = 64
NEXT_STEP = "drop the series or set on_bad_series: skip"


@dataclass(frozen=True)
class Recording:
    """One signal of one sensor at one motor.

    Attributes
    ----------
    item : str
        Name, unique in its dataset.
    motor : str
        The physical machine: the unit that a split never divides.
    domain : str
        The sensor (or rig) that measured it.
    label : str or None
        The class; None: nobody knows it.
    sampling_rate_hz : float
        Samples a second.
    signal : ndarray of shape (n_samples,), float32
        In the unit of the file.
    speed_rpm : float, optional
        Shaft speed in revolutions a minute.
    moment : str, optional
        Shared by recordings of one motor which several sensors took at the same time.
    fold : str, optional
        Name of the test fold that the data itself gives.
    recorded_at : float, optional
        When the signal begins, in seconds since 1970 UTC.
    reference : bool
        Whether the data marks this recording as its motor's own healthy reference.
    turned : ndarray of shape (2, n_pulses), float64, optional
        Where a tachometer was read: seconds since the first sample, and turns of the shaft until then.
    """

    item: str
    motor: str
    domain: str
    label: str | None
    sampling_rate_hz: float
    signal: np.ndarray
    speed_rpm: float | None = None
    moment: str | None = None
    fold: str | None = None
    recorded_at: float | None = None
    reference: bool = False
    turned: np.ndarray | None = None


def cut(recording: Recording, series_length: int | None) -> Iterator[Recording]:
    """Yield consecutive series of `series_length` samples; a recording of that length, or None, stays whole."""
    if series_length is None or len(recording.signal) == series_length:
        yield recording
        return
    seconds = series_length / recording.sampling_rate_hz
    for k in range(len(recording.signal) // series_length):
        signal = recording.signal[k * series_length : (k + 1) * series_length]
        # The moment is numbered too, so that two sensors are tied series by series.
        moment = None if recording.moment is None else f"{recording.moment}#{k}"
        began = None if recording.recorded_at is None else recording.recorded_at + k * seconds
        turned = None if recording.turned is None else piece_of(recording.turned, k * seconds, (k + 1) * seconds)
        yield replace(
            recording, item=f"{recording.item}#{k}", signal=signal, moment=moment, recorded_at=began, turned=turned
        )


def piece_of(turned: np.ndarray, begin_s: float, end_s: float) -> np.ndarray:
    """Return the tachometer's pulses of a piece of a recording, at times since the piece's beginning.

    The pulse before it and the one behind it stay, so that a piece of less than a turn has its angle, too.
    """
    first = int(np.searchsorted(turned[0], begin_s, "right")) - 1
    last = int(np.searchsorted(turned[0], end_s, "left")) + 1
    first = max(0, min(first, turned.shape[1] - 2))
    piece = turned[:, first : max(last, first + 2)]
    return np.stack([piece[0] - begin_s, piece[1]])


def is_constant(signal: np.ndarray) -> bool:
    """Tell whether all samples are the same; of most signals the first ones say that they are not."""
    return bool((signal[:BEGIN] == signal[0]).all() and (signal == signal[0]).all())


class DataError(ValueError):
    """The data is at fault; the message names the place, the value and the next step."""


class SeriesError(DataError):
    """The signal of one series is at fault, so `on_bad_series: skip` can pass over it."""


class AbsentError(SeriesError):
    """A file has not what was named, so that another name may be tried, or the channel be left out."""


def near(name: str, known: Iterable[str]) -> str:
    """Return the hint ``" (did you mean ...?)"``, empty if nothing known looks like the name."""
    names = list(known)
    close = [other for other in names if other.casefold() == name.casefold()]
    close = close or difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
