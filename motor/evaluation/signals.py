"""A recording as a person looks at it: its waveform, its amplitude spectrum, and the spectrum of its envelope.

Shapes: n samples, F frequencies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor.lazy import scipy

MOST_POINTS = 600
MOST_SAMPLES = 2**20  # of what is looked at: seconds of the fastest recorders, and a transform of them takes 0.1 s
SEGMENT_S = 1.0  # a spectrum tells frequencies apart that differ by two hertz or so
HIGHEST_ENVELOPE_HZ = 1000.0  # bearing and gear faults knock less often than that


def waveform(signal_n: NDArray[np.float32], sampling_rate_hz: float) -> dict[str, list[float]]:
    """Return the range of a signal in each of at most 600 stretches of time.

    Parameters
    ----------
    signal_n : ndarray of shape (n,)
        In any unit.
    sampling_rate_hz : float
        Of the signal.

    Returns
    -------
    dict
        `t_s`, the middle of each stretch, `low` and `high`, the least and the greatest sample in it.
    """
    edges = np.unique(np.linspace(0, len(signal_n), min(len(signal_n), MOST_POINTS) + 1).astype(int))
    middle_s = (edges[:-1] + edges[1:] - 1) / 2 / sampling_rate_hz
    low, high = np.minimum.reduceat(signal_n, edges[:-1]), np.maximum.reduceat(signal_n, edges[:-1])
    return {"t_s": _plain(middle_s), "low": _plain(low), "high": _plain(high)}


def spectrum(signal_n: NDArray[np.float32], sampling_rate_hz: float) -> dict[str, list[float]]:
    """Return the amplitude spectrum up to half the sampling rate (Welch 1967; Hann windows of a second).

    Returns
    -------
    dict
        `f_hz`, and `amplitude`, that of a sine of this frequency in the signal's unit. Of several frequencies that
        share one of the at most 600 points the strongest is shown.
    """
    return _spectrum(np.asarray(signal_n[:MOST_SAMPLES], dtype=float), sampling_rate_hz, sampling_rate_hz / 2)


def envelope_spectrum(signal_n: NDArray[np.float32], sampling_rate_hz: float) -> dict[str, list[float]]:
    """Return the amplitude spectrum of the envelope up to 1000 Hz: how often the machine knocks.

    The envelope is the magnitude of the analytic signal over the whole band (Randall and Antoni 2011, Mechanical
    Systems and Signal Processing 25, section 4.4), its mean taken off.
    """
    signal = np.asarray(signal_n[:MOST_SAMPLES], dtype=float)
    envelope_n = np.abs(
        scipy.signal.hilbert(signal - signal.mean(), scipy.fft.next_fast_len(len(signal)))[: len(signal)]
    )
    return _spectrum(envelope_n, sampling_rate_hz, min(HIGHEST_ENVELOPE_HZ, sampling_rate_hz / 2))


def drawn(signal_n: NDArray[np.float32], sampling_rate_hz: float) -> dict[str, Any]:
    """Return all three views of a signal, by name."""
    views = {"waveform": waveform, "spectrum": spectrum, "envelope_spectrum": envelope_spectrum}
    return {name: view(signal_n, sampling_rate_hz) for name, view in views.items()}


def _spectrum(signal_n: NDArray[np.float64], sampling_rate_hz: float, highest_hz: float) -> dict[str, list[float]]:
    length = min(len(signal_n), max(2, round(SEGMENT_S * sampling_rate_hz)))
    f_hz, power = scipy.signal.welch(signal_n, sampling_rate_hz, nperseg=length, scaling="spectrum", detrend="constant")
    amplitude = np.sqrt(2 * power[f_hz <= highest_hz])  # of a sine, whose power is half its amplitude squared
    f_hz = f_hz[f_hz <= highest_hz]
    starts = np.unique(np.linspace(0, len(f_hz), min(len(f_hz), MOST_POINTS), endpoint=False).astype(int))
    ends = [*starts[1:], len(f_hz)]
    strongest = [start + int(np.argmax(amplitude[start:end])) for start, end in zip(starts, ends, strict=True)]
    return {"f_hz": _plain(f_hz[strongest]), "amplitude": _plain(amplitude[strongest])}


def _plain(values: NDArray[Any]) -> list[float]:
    """Return numbers of five digits: more cannot be seen, and the page grows with them."""
    return [float(f"{value:.5g}") for value in values]
