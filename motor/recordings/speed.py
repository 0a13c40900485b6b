"""The shaft's speed, estimated from a vibration where nothing tells it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from motor.lazy import pandas as pd
from motor.lazy import scipy

if TYPE_CHECKING:
    from motor.recordings.table import Recordings

N_HARMONICS = 3
FEWEST_REVOLUTIONS = 5
"""At the lowest speed: with fewer, the lines of the shaft run into one another."""
GRID_STEP = 1e-3
"""Of the speeds that are tried, as a share."""
NEIGHBOURHOOD = 0.03
"""Speeds this near to the best one are the same answer, as a share."""
CEILING_DB = 20.0
"""Prominence of a line over its floor that counts as fully there, so that one line does not outvote a family."""
ENVELOPE_BANDS = ((0.02, 0.977), (0.08, 0.3))
"""Bands whose envelopes are heard beside the signal itself, as shares of the Nyquist frequency."""
SILENCE = 1e-7


@dataclass(frozen=True)
class SpeedEstimate:
    """A speed, and how far it stands out.

    Attributes
    ----------
    speed_rpm : float
        Revolutions a minute.
    confidence : float
        From 0, where another speed fits as well, to 1, where no other fits at all: the lead over the best speed
        further than 3 % away, as a share of the best one's score.
    """

    speed_rpm: float
    confidence: float


def estimate_speed(signal: np.ndarray, sampling_rate_hz: float, range_rpm: tuple[float, float]) -> SpeedEstimate:
    """Return the speed in a range whose harmonics stand out most.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
        Acceleration, velocity or sound, at a constant speed; any gain, any offset.
    sampling_rate_hz : float
    range_rpm : (float, float)
        Lowest and highest speed that the machine can have. The narrower, the surer: half the speed and twice the
        speed share lines.

    Raises
    ------
    ValueError
        If the range is empty, the recording too short or too slowly sampled for it, or the signal still.

    Notes
    -----
    A weighted sum over the first harmonics of prominence in the spectrum, with weights falling as the root of the
    harmonic's number and half the prominence midway between harmonics taken off, which tells a speed from its double
    (after SWIPE: Camacho and Harris 2008, Journal of the Acoustical Society of America 124, 1638-1652). It is taken
    of the signal and, since a fault's strikes are modulated by the shaft (Randall and Antoni 2011, Mechanical Systems
    and Signal Processing 25, 485-520), of its envelope in two bands.

    On HIT-SM (1.28 s, 600 to 1200 r/min, range 400 to 1500) it came within 2 % of the nominal speed for 75 and 92 % of
    the series of the two rigs, but for 33 and 50 % of the normal ones: they hold few lines of the shaft. The others
    were off by a fault's own family or by mains hum. A known speed is better.
    """
    low_hz, high_hz = checked_range(signal, sampling_rate_hz, range_rpm)
    n_steps = int(np.ceil(np.log(high_hz / low_hz) / GRID_STEP))
    speeds_hz = np.geomspace(low_hz, high_hz, n_steps + 1)
    step_hz, spectra = _prominence_spectra(signal, sampling_rate_hz, speeds_hz)
    score = family_score(np.minimum(spectra, CEILING_DB), step_hz, speeds_hz)
    best = int(np.argmax(score))
    apart = np.abs(speeds_hz / speeds_hz[best] - 1)
    rival = max(0.0, float(score[apart > NEIGHBOURHOOD].max(initial=0.0)))
    confidence = 1 - rival / score[best] if score[best] > 0 else 0.0
    # A line that is cut off has a flat top; its tip, which is not, says where in it the speed lies.
    tips = np.where(apart <= NEIGHBOURHOOD / 2, family_score(spectra, step_hz, speeds_hz), -np.inf)
    return SpeedEstimate(float(speeds_hz[np.argmax(tips)] * 60), float(confidence))


def speed_errors(recordings: "Recordings", range_rpm: tuple[float, float]) -> "pd.DataFrame":
    """Return how far estimates are off, one row for each recording whose speed is known.

    Returns
    -------
    DataFrame
        Columns item, domain, label, speed_rpm, estimated_rpm, relative_error (signed) and confidence.

    Raises
    ------
    ValueError
        If no recording has a speed.
    """
    rows = []
    for position, row in recordings.meta[recordings.meta["speed_rpm"] > 0].iterrows():
        estimate = estimate_speed(recordings.signal(position), row["sampling_rate_hz"], range_rpm)
        error = estimate.speed_rpm / row["speed_rpm"] - 1
        rows.append({"estimated_rpm": estimate.speed_rpm, "relative_error": error, "confidence": estimate.confidence})
        rows[-1] |= row[["item", "domain", "label", "speed_rpm"]].to_dict()
    if not rows:
        raise ValueError("no recording has a speed_rpm, so the error of the estimate cannot be shown")
    frame = pd.DataFrame(rows)
    return frame[["item", "domain", "label", "speed_rpm", "estimated_rpm", "relative_error", "confidence"]]


def summarise_errors(errors: "pd.DataFrame", tolerance: float = 0.02) -> "pd.DataFrame":
    """Return the errors of `speed_errors` by domain.

    Returns
    -------
    DataFrame
        Indexed by domain: n_recordings; share_within, of estimates off by `tolerance` at most; median_error, the
        median magnitude of the relative error.
    """
    magnitude = errors["relative_error"].abs()
    by_domain = magnitude.groupby(errors["domain"])
    summary = by_domain.agg(n_recordings="size", median_error="median")
    summary.insert(1, "share_within", (magnitude <= tolerance).groupby(errors["domain"]).mean())
    return summary


def checked_range(signal: np.ndarray, sampling_rate_hz: float, range_rpm: tuple[float, float]) -> tuple[float, float]:
    """Return the range in Hz, if the recording can tell speeds in it."""
    low, high = range_rpm
    if not 0 < low < high < np.inf:
        raise ValueError(f"range_rpm is {range_rpm}; it must be 0 < lowest speed < highest speed, in r/min")
    n_revolutions = signal.size / sampling_rate_hz * low / 60
    if n_revolutions < FEWEST_REVOLUTIONS:
        raise ValueError(
            f"a recording of {signal.size / sampling_rate_hz:.3g} s holds {n_revolutions:.2g} revolutions at {low:g} "
            f"r/min; an estimate needs {FEWEST_REVOLUTIONS}; raise range_rpm's lower end, or give the speed"
        )
    if high / 60 * N_HARMONICS >= sampling_rate_hz / 2:
        raise ValueError(
            f"harmonic {N_HARMONICS} of {high:g} r/min does not lie below the Nyquist frequency "
            f"{sampling_rate_hz / 2:g} Hz; lower range_rpm's upper end, or give the speed"
        )
    return low / 60, high / 60


def signal_and_envelopes(signal: np.ndarray) -> list[np.ndarray]:
    """Return the signal without its mean, then the log envelopes of those bands that hold something."""
    values = signal.astype(np.float64)
    largest = np.abs(values).max()
    values -= values.mean()
    level = np.sqrt(np.mean(values**2))
    if not level > SILENCE * largest:  # NaN is no signal either
        raise ValueError(f"all {values.size} samples are {signal[0]:g} or not finite: there is no speed in them")
    spectrum = np.fft.rfft(values)
    share_of_nyquist = np.arange(spectrum.size) / (values.size / 2)
    envelopes = []
    for low, high in ENVELOPE_BANDS:
        kept = (share_of_nyquist >= low) & (share_of_nyquist <= high)
        envelope = np.abs(np.fft.ifft(2 * spectrum * kept, values.size))
        if envelope.max() > SILENCE * level:
            envelopes.append(np.log(np.maximum(envelope, 1e-4 * np.sqrt(np.mean(envelope**2)))))
    return [values, *(envelopes or [values])]


def _prominence_spectra(signal: np.ndarray, sampling_rate_hz: float, speeds_hz: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the step in Hz, and how far each line stands over its floor (dB): signal first, then envelopes."""
    n_fft = 2 ** int(np.ceil(np.log2(4 * signal.size)))
    step_hz = sampling_rate_hz / n_fft
    n_kept = int(np.ceil((N_HARMONICS + 1) * speeds_hz[-1] / step_hz)) + 1
    window = np.hanning(signal.size)
    spectra = []
    for values in signal_and_envelopes(signal):
        magnitude = np.abs(np.fft.rfft((values - values.mean()) * window, n_fft))[:n_kept]
        level_db = 20 * np.log10(np.maximum(magnitude, np.finfo(np.float64).tiny))
        floor_db = scipy.ndimage.median_filter(level_db, size=2 * int(speeds_hz[0] / step_hz) + 1, mode="nearest")
        spectra.append(np.maximum(level_db - floor_db, 0.0))
    return step_hz, np.stack(spectra)


def family_score(
    spectra: np.ndarray, step_hz: float, speeds_hz: np.ndarray, n_harmonics: int = N_HARMONICS
) -> np.ndarray:
    """Return for each speed how far its harmonics stand out (dB); the signal weighs as much as its envelopes."""
    mixed = spectra[0] + spectra[1:].mean(axis=0)
    place_hz = np.arange(mixed.size) * step_hz
    weights = 1 / np.sqrt(np.arange(1, n_harmonics + 1))
    score = np.zeros(speeds_hz.size)
    for multiple, weight in enumerate(weights / weights.sum(), 1):
        score += weight * np.interp(multiple * speeds_hz, place_hz, mixed)
        score -= weight / 2 * np.interp((multiple - 0.5) * speeds_hz, place_hz, mixed)
    return score
