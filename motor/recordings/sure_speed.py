"""The shaft's speed where the signals tell it beyond doubt, and None where they do not.

Shapes: N speeds, R spectra (the signal's own first, then its envelopes'), P places.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motor.lazy import scipy
from motor.recordings.speed import (
    CEILING_DB,
    FEWEST_REVOLUTIONS,
    N_HARMONICS,
    NEIGHBOURHOOD,
    checked_range,
    family_score,
    signal_and_envelopes,
)

STEP = 5e-4
"""Of the speeds that are tried, as a share."""
FINER = ((2, 0.02), (4, 0.01), (8, 0.005))
"""Harmonics that a speed is refined by, and the share within which: the higher, the finer, once others are right."""
FINEST = 2e-4
HIGHEST_DB = 40.0
LEAST_HEIGHT_DB, LEAST_CONFIDENCE, MOST_BETWEEN_DB = 13.0, 0.02, 9.0
"""Families of noise stay below 12 dB, those of simulated shafts above 19 (75 and 154 recordings); a confidence below
some hundredths is a tie; between the harmonics of a speed lie those of its half or third, where that is the right one.
"""
MOST_OUTSIDE_DB, OUTSIDE = 5.0, 2.2
"""Lead of a family outside the range, up to so many times the speed or a part of it: the range leaves the shaft out."""
MULTIPLES = (1 / 2, 2 / 3, 1.0, 3 / 2, 2.0)  # of a speed share its lines: the range rules them out
MOST_BESIDE_DB, BESIDE, OWN = 3.0, 0.04, 0.005
"""Lead of another speed, from `OWN` to `BESIDE` away, once eight harmonics are heard: two combs, and one misled the
first three. 2.4 at most where a speed was right.
"""
BETWEEN = {2: (1, 3, 5), 3: (1, 2, 4)}
"""Part of a speed -> which of its harmonics are none of the whole speed's."""
PADDING = 8
HALF_FLOOR = 16  # values of the floor on each side of a line


@dataclass(frozen=True)
class SureSpeed:
    """What signals of one moment tell of their shaft's speed.

    Attributes
    ----------
    speed_rpm : float
        The most likely, in revolutions a minute.
    confidence : float
        As of `motor.recordings.speed.SpeedEstimate`.
    height_db : float
        How far its family stands out.
    between_db : float
        How far lines between its harmonics stand out: those of half the speed, or of a third. 0 where the range leaves
        these out.
    outside_db : float
        How much taller a family outside the range stands that shares no lines with it.
    beside_db : float
        How much taller another speed nearby stands once eight harmonics are heard.
    """

    speed_rpm: float
    confidence: float
    height_db: float
    between_db: float
    outside_db: float
    beside_db: float

    @property
    def is_known(self) -> bool:
        """Whether it can be taken for the speed."""
        return (
            self.height_db >= LEAST_HEIGHT_DB
            and self.confidence >= LEAST_CONFIDENCE
            and self.between_db <= MOST_BETWEEN_DB
            and self.outside_db <= MOST_OUTSIDE_DB
            and self.beside_db <= MOST_BESIDE_DB
        )


def sure_speed(signals: Sequence[tuple[np.ndarray, float]], range_rpm: tuple[float, float]) -> SureSpeed:
    """Return the speed whose harmonics stand out most in signals of one moment, heard together.

    Parameters
    ----------
    signals : sequence of (ndarray of shape (n_samples,), float)
        Of the sensors of one machine at one moment, each with its sampling rate in Hz.
    range_rpm : (float, float)
        Lowest and highest speed that the machine can have; within one octave, half and double are out of the question.

    Raises
    ------
    ValueError
        As of `motor.recordings.speed.estimate_speed`.

    Notes
    -----
    The score of `motor.recordings.speed.estimate_speed`, added up over signals; then more and higher harmonics in ever
    narrower ranges. A range that leaves the shaft's speed out, and a second comb nearby (beats with the supply), show
    in `outside_db` and `beside_db`.
    """
    heard = [_Heard.of(signal, rate_hz, range_rpm) for signal, rate_hz in signals]
    low_hz, high_hz = (speed / 60 for speed in range_rpm)
    speeds_N = np.geomspace(low_hz, high_hz, int(np.ceil(np.log(high_hz / low_hz) / STEP)) + 1)
    score_N = np.mean([one.score(speeds_N) for one in heard], axis=0)
    best = int(np.argmax(score_N))
    apart = np.abs(speeds_N / speeds_N[best] - 1) > NEIGHBOURHOOD
    rival = max(0.0, float(score_N[apart].max(initial=0.0)))
    is_peak = score_N[best] > 0 and 0 < best < len(speeds_N) - 1  # at an end, it is the slope of one outside
    confidence = 1 - rival / score_N[best] if is_peak else 0.0
    speed_hz = float(speeds_N[best])
    for n_harmonics, share in FINER:
        tried_N = speed_hz * (1 + np.arange(-share, share + FINEST / 2, FINEST))
        height_N = np.sum([one.cubed(tried_N, n_harmonics) for one in heard], axis=0)
        speed_hz = float(tried_N[np.argmax(height_N)])
    parts = [part for part in BETWEEN if speed_hz / part >= low_hz]
    between = max((one.between_db(speed_hz, part) for one in heard for part in parts), default=0.0)
    outside = _outside_db(heard, speed_hz, (low_hz, high_hz), min(signal.size / rate_hz for signal, rate_hz in signals))
    return SureSpeed(
        speed_hz * 60, float(confidence), float(score_N[best]), between, outside, _beside_db(heard, speed_hz)
    )


def _outside_db(heard: "Sequence[_Heard]", speed_hz: float, range_hz: tuple[float, float], seconds: float) -> float:
    """Return how much taller a family outside the range stands than the speed's own; its multiples are left out."""
    low_hz, high_hz = max(speed_hz / OUTSIDE, FEWEST_REVOLUTIONS / seconds), speed_hz * OUTSIDE
    tried_N = np.geomspace(low_hz, high_hz, int(np.ceil(np.log(high_hz / low_hz) / STEP)) + 1)
    ratio_N = tried_N / speed_hz
    is_outside_N = (tried_N < range_hz[0]) | (tried_N > range_hz[1])
    is_outside_N &= np.abs(ratio_N / np.array(MULTIPLES)[:, None] - 1).min(axis=0) > NEIGHBOURHOOD
    score_N = np.mean([one.score(tried_N) for one in heard], axis=0)
    own = float(score_N[np.abs(ratio_N - 1) <= OWN].max())
    return float(score_N[is_outside_N].max(initial=own)) - own


def _beside_db(heard: "Sequence[_Heard]", speed_hz: float) -> float:
    """Return how much taller another speed nearby stands by as many harmonics as speeds are refined by."""
    share_N = np.arange(-BESIDE, BESIDE + FINEST / 2, FINEST)
    score_N = np.mean([one.score(speed_hz * (1 + share_N), FINER[-1][0]) for one in heard], axis=0)
    is_own_N = np.abs(share_N) <= OWN
    return max(0.0, float(score_N[~is_own_N].max() - score_N[is_own_N].max()))


def height_of(signals: Sequence[tuple[np.ndarray, float]], range_rpm: tuple[float, float], speed_rpm: float) -> float:
    """Return how far the family of a speed, and of those within 1.5 % of it, stands out; see `SureSpeed.height_db`."""
    near_N = speed_rpm / 60 * (1 + np.arange(-0.015, 0.0151, STEP))
    scores = [_Heard.of(signal, rate_hz, range_rpm).score(near_N) for signal, rate_hz in signals]
    return float(np.max(np.mean(scores, axis=0)))


def heights_db(values: np.ndarray, n_fft: int, n_kept: int, half_width: int) -> np.ndarray:
    """Return how far each line of a spectrum stands over the median beside it, in decibels: shape (n_kept,).

    Parameters
    ----------
    values : ndarray of shape (n_values,)
    n_fft, n_kept : int
        Length of the padded transform, and how many of its lines are given.
    half_width : int
        Lines on each side that the median is taken over; of many, some.
    """
    apart, window = max(1, half_width // HALF_FLOOR), np.hanning(values.size)
    magnitude = np.abs(np.fft.rfft((values - values.mean()) * window, n_fft))[:n_kept]
    level_db = 20 * np.log10(np.maximum(magnitude, np.finfo(np.float64).tiny))
    floor_db = scipy.ndimage.median_filter(level_db[::apart], size=2 * (half_width // apart) + 1, mode="nearest")
    return np.maximum(level_db - np.repeat(floor_db, apart)[:n_kept], 0.0)


@dataclass(frozen=True)
class _Heard:
    """How far each line of a signal and of its envelopes stands over its floor."""

    height_RP: np.ndarray
    place_hz_P: np.ndarray

    @classmethod
    def of(cls, signal: np.ndarray, sampling_rate_hz: float, range_rpm: tuple[float, float]) -> "_Heard":
        low_hz, high_hz = checked_range(signal, sampling_rate_hz, range_rpm)
        n_fft = 2 ** int(np.ceil(np.log2(PADDING * signal.size)))
        step_hz = sampling_rate_hz / n_fft
        n_kept = min(n_fft // 2, int(np.ceil((FINER[-1][0] + 1) * high_hz / step_hz)) + 1)
        half = int(low_hz / step_hz)
        heights = [heights_db(values, n_fft, n_kept, half) for values in signal_and_envelopes(signal)]
        return cls(np.stack(heights), np.arange(n_kept) * step_hz)

    def score(self, speeds_N: np.ndarray, n_harmonics: int = N_HARMONICS) -> np.ndarray:
        return family_score(np.minimum(self.height_RP, CEILING_DB), float(self.place_hz_P[1]), speeds_N, n_harmonics)

    def cubed(self, speeds_N: np.ndarray, n_harmonics: int) -> np.ndarray:
        """Return the sum over harmonics of their cubed heights, which the tallest lines decide."""
        total_N = np.zeros(speeds_N.size)
        for height_P in self.height_RP:
            for multiple in range(1, n_harmonics + 1):
                total_N += np.minimum(np.interp(multiple * speeds_N, self.place_hz_P, height_P), HIGHEST_DB) ** 3
        return total_N

    def between_db(self, speed_hz: float, part: int) -> float:
        """Return the mean height of a part's first harmonics that are none of the speed's."""
        near = speed_hz * (1 + np.linspace(-0.01, 0.01, 41))
        heights = []
        for multiple in BETWEEN[part]:
            own, *envelopes = (np.interp(multiple / part * near, self.place_hz_P, one).max() for one in self.height_RP)
            heights.append(own + np.mean(envelopes))
        return float(np.mean(heights))
