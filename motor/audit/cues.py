"""Trivial cues of one recording: what a recording chain leaves in a signal, whatever the motor does."""

from dataclasses import dataclass

import numpy as np

from motor.lazy import scipy

NEAR_ZERO = 2000  # samples that tell the quantisation step: those of least magnitude, where float32 is finest
MAINS_HZ = (50.0, 60.0)
SHAFT_LINES = (1, 2)  # harmonics that a fault raises most: unbalance the first, misalignment the second
STRONG_DB = 30.0
LEAST_CYCLES = 20  # of the lower mains frequency: shorter recordings cannot tell 50 from 60 Hz and both from the rest


@dataclass(frozen=True)
class Cue:
    """What the audit says of a cue that tells the class.

    Attributes
    ----------
    what : str
        What differs between the classes.
    next_step : str
    by_fault : bool
        Whether a fault may explain it; then it is reported and is no finding.
    of_measured : bool
        Whether recordings in which it cannot be measured take no part; else that they have none is a value, too.
    """

    what: str
    next_step: str
    by_fault: bool = False
    of_measured: bool = False


CUES = {
    "dc_offset": Cue("the mean of the raw signal", "Remove each item's mean (scaling: {by: item}), then accept this"),
    "level": Cue("the level (rms) of the raw signal", "Compare a run with scaling: {by: item}", by_fault=True),
    "quantisation": Cue("the smallest step between sample values", "Find out which recorder or format made each class"),
    "clipping": Cue("the share of clipped samples", "Record all classes with the same range"),
    "mains_hum": Cue("the hum at 50 or 60 Hz", "Filter the mains frequency out of every recording", of_measured=True),
    "sampling_rate": Cue("the sampling rate", "Resample all recordings to one rate, below the lowest cut-off"),
    "length": Cue("the length of the recordings", "Cut all recordings to one length (series_length)"),
    "file_order": Cue("the place in the data set", "Record the classes in mixed order, on the same days"),
    "recorded_at": Cue("the time of the recording", "Compare recordings of the same days", by_fault=True),
}


def signal_cues(signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None = None) -> dict[str, float]:
    """Measure the cues of one recording.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,), float32
        As it was recorded.
    sampling_rate_hz : float
    speed_rpm : float, optional
        Of the shaft, where it is known (not NaN).

    Returns
    -------
    dict
        `dc_offset` and `level` (log10 of the rms about the mean) in the signal's unit; `quantisation` (log10 of
        the step, -99 where samples lie on no grid); `clipping` (share of samples); `mains_hum` (see `mains_hum`);
        NaN where a cue cannot be measured.
    """
    mean = float(signal.mean(dtype=np.float64))
    rms = float(np.sqrt(max(np.square(signal, dtype=np.float64).mean() - mean**2, 0.0)))
    return {
        "dc_offset": dc_offset(signal),
        "level": float(np.log10(max(rms, 1e-30))),
        "quantisation": quantisation(signal),
        "clipping": clipping(signal),
        "mains_hum": mains_hum(signal - np.float32(mean), sampling_rate_hz, speed_rpm),
    }


def dc_offset(signal: np.ndarray) -> float:
    """Return the mean; 0 where it is less than three standard errors, as of a chain that passes no direct current.

    The mean of a finite recording scatters with its strength, and a fault is strong. The standard error is that of
    the means of 16 successive parts.
    """
    mean = float(signal.mean(dtype=np.float64))
    length = len(signal) // 16
    if length == 0:
        return mean
    means = signal[: 16 * length].reshape(16, length).mean(axis=1, dtype=np.float64)
    return mean if abs(mean) > 3 * means.std(ddof=1) / 4 else 0.0


def quantisation(signal: np.ndarray) -> float:
    """Return log10 of the step on whose multiples the samples lie, rounded to 1 %; -99 where there is none.

    Only the samples of least magnitude are looked at: float32 rounds large ones more coarsely than many converters.
    """
    magnitude = np.abs(signal)
    n_looked_at = min(NEAR_ZERO, len(signal))
    near = signal[np.argpartition(magnitude, n_looked_at - 1)[:n_looked_at]].astype(np.float64)
    steps = np.diff(np.unique(near))
    if not len(steps):
        return -99.0
    smallest = steps.min()
    rounding = np.abs(near).max() * 2.0**-23 / smallest
    multiples = np.rint(steps / smallest)
    off_grid = np.abs(steps / smallest - multiples) > 0.05 + 2 * rounding
    if rounding > 0.05 or off_grid.mean() > 0.01:
        return -99.0
    return round(float(np.log10(steps.sum() / multiples.sum())) / 0.005) * 0.005


def clipping(signal: np.ndarray) -> float:
    """Return the share of samples at the ends of the range, where more lie just there than in the 1 % before it."""
    low, high = float(signal.min()), float(signal.max())
    margin = 0.01 * (high - low)
    share = 0.0
    for at_end, close in (
        (signal == np.float32(high), signal >= high - margin),
        (signal == np.float32(low), signal <= low + margin),
    ):
        n_at_end = int(np.count_nonzero(at_end))
        if margin > 0 and n_at_end >= 4 and 2 * n_at_end > int(np.count_nonzero(close)):
            share += n_at_end / len(signal)
    return share


def mains_hum(signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None = None) -> float:
    """Return 1 where there is strong hum at 50 Hz, -1 at 60 Hz, 0 at neither or both; NaN where nobody can tell.

    Strong is a line `STRONG_DB` over what its surroundings have in 1 Hz, whatever the gain. That is a step and no
    scale, because a fault that raises the noise drowns a weak line, which is no mark of the recording chain.

    Short recordings cannot tell, nor can those of a shaft that is known to turn at 50 or 60 Hz, or at half of it: its
    own line stands where the hum would, and a fault raises it.
    """
    if len(signal) / sampling_rate_hz < LEAST_CYCLES / MAINS_HZ[0] or sampling_rate_hz < 4 * MAINS_HZ[1]:
        return float("nan")

    # The mains drift: a longer look finds a wider line.
    n_samples = scipy.fft.prev_fast_len(min(len(signal), int(8 * sampling_rate_hz)), real=True)
    bin_hz = sampling_rate_hz / n_samples
    shaft_hz = [number * speed_rpm / 60 for number in SHAFT_LINES] if speed_rpm else []
    if any(abs(line - hz) <= 2 * _width_hz(bin_hz) for line in shaft_hz for hz in MAINS_HZ):  # both lines are as wide
        return float("nan")
    power = (
        np.abs(scipy.fft.rfft(signal[:n_samples] * scipy.signal.windows.hann(n_samples, sym=False).astype(np.float32)))
        ** 2
    )
    strong = [_over_1_hz(power, bin_hz, hz) > STRONG_DB for hz in MAINS_HZ]
    return float(strong[0]) - float(strong[1])


def _width_hz(bin_hz: float) -> float:
    """Return how far a line reaches to either side."""
    return max(0.2, 2 * bin_hz)


def _over_1_hz(power: np.ndarray, bin_hz: float, line_hz: float) -> float:
    """Return the power of a line over that of its surroundings in 1 Hz, in dB; a Hann window's line is 3 bins wide."""
    away = np.abs(np.arange(int(1.5 * line_hz / bin_hz) + 1) * bin_hz - line_hz)
    width_hz = _width_hz(bin_hz)
    near = power[: len(away)]
    surroundings = np.median(near[(away > 2 * width_hz) & (away <= max(5.0, 6 * width_hz))])
    line = max(float(near[away <= width_hz].sum()) / 1.5, 1e-30)
    return float(10 * np.log10(line / max(float(surroundings) / bin_hz, 1e-30)))
