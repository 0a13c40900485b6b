"""Bands in hertz that are the same for every sampling rate of a data set."""

from typing import Annotated

import numpy as np
from pydantic import Field

from motor.lazy import scipy

USABLE = 0.977
"""Of the Nyquist frequency: above, filters of recorders take the signal away."""
FEWEST_LEFT = 1 / 3
"""Of each band's width, where bands are cut; else they are shrunk."""

Bands = tuple[tuple[float, float], ...]
HigherBands = Annotated[
    Bands,
    Field(
        description="further bands, for a resonance may lie there; each is taken where the lowest rate of the data "
        "holds the whole of it"
    ),
]
HIGHER_BANDS_HZ: Bands = ((5500.0, 10000.0), (10000.0, 20000.0))


def highest_common_hz(sampling_rates_hz: "np.typing.ArrayLike") -> float:
    """Return the highest frequency that recordings of all of these rates hold."""
    return USABLE * float(np.min(np.asarray(sampling_rates_hz, dtype=np.float64))) / 2


def common_bands(bands_hz: Bands, highest_hz: float) -> Bands:
    """Return bands that end at a highest frequency.

    They stay as they are where they end below it, and are cut there where each keeps a third of its width; else all
    edges shrink by one factor.

    Parameters
    ----------
    bands_hz : tuple of (float, float)
        Lower and upper edge of each, in Hz.
    highest_hz : float
    """
    top_hz = max(high for _, high in bands_hz)
    if top_hz <= highest_hz:
        return bands_hz
    cut = tuple((low, min(high, highest_hz)) for low, high in bands_hz)
    if all(new[1] - new[0] >= FEWEST_LEFT * (old[1] - old[0]) for new, old in zip(cut, bands_hz, strict=True)):
        return cut
    factor = highest_hz / top_hz
    return tuple((low * factor, high * factor) for low, high in bands_hz)


def with_higher(bands_hz: Bands, higher_hz: Bands, highest_hz: float) -> Bands:
    """Return bands that end at a highest frequency (`common_bands`), and of further ones those that end below it."""
    return (*common_bands(bands_hz, highest_hz), *(band for band in higher_hz if band[1] <= highest_hz))


def octave_edges_hz(lowest_hz: float, highest_hz: float, bands_per_octave: int) -> np.ndarray:
    """Return the edges of all whole bands between two frequencies, from the lowest up.

    Raises
    ------
    ValueError
        If there are fewer than two bands.
    """
    n_bands = int(np.floor(bands_per_octave * np.log2(highest_hz / lowest_hz) + 1e-9))
    if n_bands < 2:
        raise ValueError(
            f"there are {max(0, n_bands)} bands between lowest_hz {lowest_hz:g} and {highest_hz:g} Hz, where the "
            "lowest sampling rate ends; set lowest_hz lower"
        )
    return lowest_hz * 2.0 ** (np.arange(n_bands + 1) / bands_per_octave)


def band_levels_db(values: np.ndarray, sampling_rate_hz: float, edges_hz: np.ndarray) -> np.ndarray:
    """Return the power density in each band, in decibels of the signal's unit squared a hertz.

    Welch's method (1967, IEEE Transactions on Audio and Electroacoustics 15(2), 70-73) with Hann segments as long as
    the lowest band asks for, or the whole of a shorter recording, whose power is then shared out between bands by
    interpolation.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), float64
        Without its mean.
    sampling_rate_hz : float
    edges_hz : ndarray of shape (n_bands + 1,)

    Raises
    ------
    ValueError
        If the last band ends above the Nyquist frequency.
    """
    if edges_hz[-1] > sampling_rate_hz / 2:
        raise ValueError(
            f"bands reach {edges_hz[-1]:g} Hz, but a recording at {sampling_rate_hz:g} Hz ends at "
            f"{sampling_rate_hz / 2:g} Hz (Nyquist); set highest_hz lower, for all recordings"
        )
    resolving = 2 ** int(np.ceil(np.log2(4 * sampling_rate_hz / (edges_hz[1] - edges_hz[0]))))
    places_hz, density = scipy.signal.welch(
        values, fs=sampling_rate_hz, nperseg=min(resolving, values.size), detrend=False
    )
    # The power up to the upper end of each line; a line is as wide as lines are apart.
    ends_hz = np.append(0.0, places_hz + places_hz[1] / 2)
    below = np.append(0.0, np.cumsum(density) * places_hz[1])
    power = np.diff(np.interp(edges_hz, ends_hz, below)) / np.diff(edges_hz)
    return 10.0 * np.log10(np.maximum(power, np.finfo(np.float32).eps ** 2 * density.max()))
