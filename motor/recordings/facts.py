"""What is measured of each signal while it is imported: level, converter's step, clipping, what it is equal to."""

import hashlib
from dataclasses import dataclass

import numpy as np

from motor.recordings.recording import Recording

# A converter's steps show in few samples; sorting all would take longer than reading them.
SAMPLES_FOR_STEP = 2048
# Below so many samples at the extreme, an extreme is an extreme.
FEWEST_CLIPPED = 10
# A sample at this many times the distance that nine of ten keep from the median is no measured value; one within this
# many standard deviations is not looked at (20 of 1000 samples with one code lie 7 out).
OUTLYING, SUSPICIOUS = 3000.0, 3.5
# One that is all nines, as -999 and 9999.9 are, is a code wherever it is no sample among others.
OF_NINES = 20.0
LONG = 2**23  # samples that are taken as float64 at once


@dataclass(frozen=True)
class SignalFacts:
    """Facts of one signal, in its own unit.

    Attributes
    ----------
    level_db : float
        Root mean square around the mean, 20 log10.
    offset : float
        Mean.
    peak : float
        Largest absolute value.
    step_db : float or None
        The smallest step between its values, 20 log10, if all values are whole steps apart: what one bit of the
        converter times the recorder's gain is worth. None if the values lie on no grid.
    clipped_share : float
        Share of samples at its largest or smallest value, where that is clipping; else 0.
    digest : bytes
        Of the samples: signals with the same one are the same.
    outlier : float or None
        The sample farthest from the median, if it lies so far out that it is no measured value (`OUTLYING`).
    """

    level_db: float
    offset: float
    peak: float
    step_db: float | None
    clipped_share: float
    digest: bytes
    outlier: float | None = None


@dataclass(frozen=True)
class Seen:
    """The fields of one recording: all of it but the signal."""

    item: str
    motor: str
    domain: str
    label: str  # empty where nobody knows it
    sampling_rate_hz: float
    n_samples: int
    facts: SignalFacts
    moment: str | None = None


def seen_of(recording: Recording) -> Seen:
    """Return what is kept of a recording."""
    fields = {name: getattr(recording, name) for name in ("item", "motor", "domain", "sampling_rate_hz", "moment")}
    return Seen(
        **fields, label=recording.label or "", n_samples=len(recording.signal), facts=signal_facts(recording.signal)
    )


def signal_facts(signal: np.ndarray) -> SignalFacts:
    """Return the facts of a signal that is finite and not constant, float32 of shape (n_samples,)."""
    low, high = float(signal.min()), float(signal.max())
    step = quantisation_step(signal[:SAMPLES_FOR_STEP])
    return SignalFacts(
        level_db=decibels(deviation(signal)),
        offset=float(signal.mean(dtype=np.float64)),
        peak=max(abs(low), abs(high)),
        step_db=None if step is None else decibels(step),
        clipped_share=(n_clipped(signal, high, high - low) + _n_clipped_below(signal, low, high)) / len(signal),
        digest=hashlib.sha256(np.ascontiguousarray(signal).data).digest()[:16],
        outlier=outlier_of(signal, low, high),
    )


def deviation(signal: np.ndarray) -> float:
    """Return the standard deviation, of a long signal in blocks: NumPy's takes three times the signal's memory."""
    if len(signal) <= LONG:
        return float(signal.std(dtype=np.float64))
    middle = float(signal.mean(dtype=np.float64))
    blocks = (signal[begin : begin + LONG].astype(np.float64) - middle for begin in range(0, len(signal), LONG))
    return float(np.sqrt(sum(float(np.dot(block, block)) for block in blocks) / len(signal)))


def outlier_of(signal: np.ndarray, low: float, high: float) -> float | None:
    """Return the farthest sample, if nine of ten samples keep within an `OUTLYING`th of its distance; else None.

    A number of nines is one already at an `OF_NINES`th.

    No shock is that strong beside the rest of its recording: instruments write -99999 and the like where they could not
    measure. Most signals are done with by their standard deviation, without sorting.
    """
    middle = float(signal.mean(dtype=np.float64))
    farthest = max(high - middle, middle - low)
    if farthest < SUSPICIOUS * deviation(signal):
        return None
    if len(signal) > LONG:  # by some of its samples: to sort all takes four times the signal's memory
        return outlier_of(_thinned(signal, low, high), low, high)
    deviations = np.abs(signal - np.float32(np.median(signal)))
    usual = float(np.partition(deviations, int(0.9 * (len(signal) - 1)))[int(0.9 * (len(signal) - 1))])
    value = float(signal[int(deviations.argmax())])
    if usual == 0 or float(deviations.max()) < (OF_NINES if _is_of_nines(value) else OUTLYING) * usual:
        return None
    return value


def _thinned(signal: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return evenly spaced samples of a long signal, and its extremes."""
    some = signal[:: -(-len(signal) // (LONG - 2))]
    return np.concatenate([some, np.array([low, high], signal.dtype)])


def _is_of_nines(value: float) -> bool:
    digits = f"{abs(value):.6g}".replace(".", "")
    return len(digits) > 2 and set(digits) == {"9"}


def decibels(amplitude: float) -> float:
    """Return 20 log10 of an amplitude; the smallest float32 stands for 0."""
    return float(20 * np.log10(max(amplitude, float(np.finfo(np.float32).tiny))))


def quantisation_step(signal: np.ndarray) -> float | None:
    """Return the step of the grid that a signal's values lie on, None if there is none.

    Values lie on a grid if every gap between neighbours is a whole number of steps, as far as float32 tells, and the
    grid is coarser than float32 itself.
    """
    values = np.unique(signal).astype(np.float64)
    if len(values) < 2:
        return None
    gaps = np.diff(values)
    rounding = float(np.spacing(np.float32(np.abs(values).max())))
    step = float(gaps.min())
    if step < 16 * rounding:
        return None
    near = gaps[gaps < 10 * step]  # their mean tells the step better than the smallest, which is rounded
    step = float(near.sum() / np.round(near / step).sum())
    off_grid = np.abs(gaps - step * np.round(gaps / step)).max()
    return step if off_grid < 4 * rounding + 0.01 * step else None


def _n_clipped_below(signal: np.ndarray, low: float, high: float) -> int:
    """Return the same at the bottom; a signal is turned over only where it may be clipped there."""
    if np.count_nonzero(signal == low) < FEWEST_CLIPPED:
        return 0
    return n_clipped(-signal, -low, high - low)


def n_clipped(signal: np.ndarray, high: float, span: float) -> int:
    """Return how many samples lie at the top of a signal, 0 if that is no clipping.

    It is clipping where more samples lie at the top than in the hundredth of the signal's span below it (in the next
    value below, if that is further): a distribution that is cut off, where noise and tones thin out or rise gently.
    """
    at_top = int(np.count_nonzero(signal == high))
    if at_top < FEWEST_CLIPPED:
        return 0
    next_value = float(signal[signal < high].max())
    beneath = min(next_value, high - span / 100)
    just_below = int(np.count_nonzero(signal >= beneath)) - at_top
    return at_top if at_top > just_below else 0
