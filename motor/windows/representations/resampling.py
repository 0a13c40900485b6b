"""A change of sampling rate without aliases and without delay."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

from motor.lazy import scipy

# Half the filter's length, in samples of the slower of the two rates. With Kaiser's beta of 8 (side lobes
# below -80 dB) the edge then falls from 0.82 to 0.98 of the lower Nyquist frequency.
HALF_LENGTH = 32
CUTOFF = 0.9
KAISER_BETA = 8.0
# Rates that are no simple ratio (a shaft's speed) are met within about 1e-6; the filter grows with it.
LARGEST_DENOMINATOR = 4096


def resample(signal: np.ndarray, sampling_rate_hz: float, new_rate_hz: float) -> np.ndarray:
    """Lower the sampling rate by a linear-phase FIR filter, centred so that nothing is delayed.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sampling_rate_hz, new_rate_hz : float
        ``new_rate_hz <= sampling_rate_hz``. Their ratio is rounded to the nearest fraction of
        denominator up to 4096.

    Returns
    -------
    ndarray of float64, shape (ceil(n_samples * ratio),)
        Its first sample lies at the time of the first sample of `signal`.

    Raises
    ------
    ValueError
        If the new rate is higher than the old one, or lower than it by more than 4096 times.

    Notes
    -----
    Polyphase filtering (`scipy.signal.resample_poly`) with a windowed sinc: Oppenheim and Schafer,
    Discrete-Time Signal Processing, sections 4.6 and 7.5 (Kaiser's window). The ends are mirrored, so
    that a signal far from zero does not fall off there.
    """
    ratio = Fraction(new_rate_hz / sampling_rate_hz).limit_denominator(LARGEST_DENOMINATOR)
    if not 0 < ratio <= 1:
        raise ValueError(
            f"a signal at {sampling_rate_hz:g} Hz cannot be brought to {new_rate_hz:g} Hz; choose a rate from "
            f"{sampling_rate_hz / LARGEST_DENOMINATOR:g} to {sampling_rate_hz:g} Hz"
        )
    if ratio == 1:
        return signal.astype(np.float64)
    taps = _filter(ratio.denominator)
    samples = signal.astype(np.float64)
    # The stubs forget that `window` may hold the filter itself.
    return scipy.signal.resample_poly(samples, ratio.numerator, ratio.denominator, window=taps, padtype="symmetric")


@lru_cache(maxsize=4)
def _filter(denominator: int) -> np.ndarray:
    """Return the filter against aliases; recordings of one speed share it, and a long one takes 25 ms."""
    taps = scipy.signal.firwin(2 * HALF_LENGTH * denominator + 1, CUTOFF / denominator, window=("kaiser", KAISER_BETA))
    taps.setflags(write=False)
    return taps
