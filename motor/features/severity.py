"""Vibration velocity in mm/s, as ISO 20816 judges machines by it, where the unit of a signal is known."""

import numpy as np

from motor.features.envelope_spectrum import centred
from motor.features.level import VELOCITY_HZ, velocity_db

ACCELERATION = {"m/s²": 1.0, "m/s2": 1.0, "m/s^2": 1.0, "mm/s²": 1e-3, "mm/s2": 1e-3, "g": 9.80665}
"""Unit -> m/s²."""
VELOCITY = {"mm/s": 1.0, "m/s": 1e3}
"""Unit -> mm/s."""


def velocity_mm_s(signal: np.ndarray, sampling_rate_hz: float, unit: str | None) -> float | None:
    """Return the root mean square of the velocity from 10 to 1000 Hz (ISO 20816-1:2016), in mm/s.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
        Acceleration or velocity.
    sampling_rate_hz : float
    unit : str or None
        Of the signal.

    Returns
    -------
    float or None
        None where the unit is of neither, or unknown; where the rate ends below 1000 Hz; or of a still signal.
    """
    if unit not in (*ACCELERATION, *VELOCITY) or sampling_rate_hz / 2 < VELOCITY_HZ[1]:
        return None
    try:
        values = centred(signal)
    except ValueError:
        return None
    if unit in ACCELERATION:
        return float(10 ** (velocity_db(values, sampling_rate_hz) / 20) * ACCELERATION[unit] * 1e3)
    spectrum = np.fft.rfft(values)
    frequencies_hz = np.arange(spectrum.size) * sampling_rate_hz / values.size
    within = (frequencies_hz >= VELOCITY_HZ[0]) & (frequencies_hz <= VELOCITY_HZ[1])
    return float(np.sqrt(2 * np.sum(np.abs(spectrum[within]) ** 2)) / values.size * VELOCITY[unit])
