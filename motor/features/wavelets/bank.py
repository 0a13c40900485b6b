"""A bank of analytic Morlet wavelets by FFT, each band at its own rate (Mallat 2009, section 4.3).

A band is narrow, so after its part of the spectrum was cut out, a short inverse transform of that part alone holds all
that there is of it. A full-rate bank transforms every band at the signal's length.

Shapes: N samples, F bands, T stretches of time.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from motor.lazy import scipy

REACH = 3.5  # deviations of a wavelet's spectrum that are kept on each side: exp(-REACH^2) of its power is cut off
FINEST = 4  # samples of a stretch of time, at least, at a band's own rate
LEAST = 1e-12  # of the mean power: a cell under it is taken for it


@dataclass(frozen=True)
class Bank:
    """Wavelets for signals of one length and rate.

    Attributes
    ----------
    n_samples : int
    sampling_rate_hz : float
    n_bands, n_frames : int
    low_hz : float
        Centre of the lowest band.
    high_share : float
        Centre of the highest, of the Nyquist frequency.
    cycles : float
        A wavelet's centre over the deviation of its spectrum.

    Raises
    ------
    ValueError
        If the signal is shorter than `FINEST` samples a stretch, or no band lies over `low_hz`.
    """

    n_samples: int
    sampling_rate_hz: float
    n_bands: int
    n_frames: int
    low_hz: float
    high_share: float
    cycles: float

    def __post_init__(self) -> None:
        if self.n_samples < FINEST * self.n_frames:
            raise ValueError(
                f"scalogram: {self.n_samples} samples in {self.n_frames} stretches of time; needed are {FINEST} in "
                "each; set features.scalogram.n_frames lower"
            )
        if self.highest_hz <= self.low_hz:
            raise ValueError(
                f"scalogram: the highest band lies at {self.highest_hz:g} Hz, the lowest at {self.low_hz:g}; set "
                "features.scalogram.low_hz lower"
            )

    @property
    def highest_hz(self) -> float:
        """Centre of the highest band."""
        return self.high_share * self.sampling_rate_hz / 2

    @property
    def centres_hz(self) -> NDArray[np.float64]:
        """Centres of the bands, lowest first: shape (n_bands,)."""
        return np.geomspace(self.low_hz, self.highest_hz, self.n_bands)

    def powers(self, signal_N: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean power in each cell: shape (n_bands, n_frames)."""
        spectrum = scipy.fft.rfft(signal_N - signal_N.mean())
        cells_FT = np.empty((self.n_bands, self.n_frames))
        for band, (begin, gain, n_own) in enumerate(_wavelets(self)):
            part = np.zeros(n_own, dtype=complex)
            part[: len(gain)] = spectrum[begin : begin + len(gain)] * gain
            power = np.abs(scipy.fft.ifft(part)) ** 2
            cells_FT[band] = power.reshape(self.n_frames, -1).mean(axis=1) * (n_own / self.n_samples) ** 2
        return cells_FT

    def full_rate_powers(self, signal_N: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the same by transforms of the signal's length: what `powers` is compared with."""
        spectrum = np.fft.rfft(signal_N - signal_N.mean())
        hz = np.fft.rfftfreq(self.n_samples, 1 / self.sampling_rate_hz)
        cells_FT = np.empty((self.n_bands, self.n_frames))
        for band, centre_hz in enumerate(self.centres_hz):
            whole = np.zeros(self.n_samples, dtype=complex)
            whole[: len(hz)] = spectrum * np.exp(-(((hz - centre_hz) * self.cycles / centre_hz) ** 2) / 2)
            power = np.abs(np.fft.ifft(whole)) ** 2
            cells_FT[band] = [part.mean() for part in np.array_split(power, self.n_frames)]
        return cells_FT

    @cached_property
    def n_bins(self) -> int:
        """Frequencies of the signal's spectrum."""
        return self.n_samples // 2 + 1


def log_powers(powers_FT: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an image of logs with mean 0: a louder recording of the same is the same image."""
    logs_FT = np.log(np.maximum(powers_FT, LEAST * powers_FT.mean()))
    return np.asarray(logs_FT - logs_FT.mean())


@lru_cache(maxsize=16)
def _wavelets(bank: Bank) -> tuple[tuple[int, NDArray[np.float64], int], ...]:
    """Return each band's first frequency, gains from there on, and how long its own transform is."""
    step_hz = bank.sampling_rate_hz / bank.n_samples
    found = []
    for centre_hz in bank.centres_hz:
        half_hz = REACH * centre_hz / bank.cycles
        begin = max(0, int(np.ceil((centre_hz - half_hz) / step_hz)))
        end = min(bank.n_bins, int((centre_hz + half_hz) / step_hz) + 1)
        hz = np.arange(begin, max(end, begin + 1)) * step_hz
        gain = np.exp(-(((hz - centre_hz) * bank.cycles / centre_hz) ** 2) / 2)
        found.append((begin, gain, _own_length(len(gain), bank.n_frames)))
    return tuple(found)


def _own_length(n_frequencies: int, n_frames: int) -> int:
    """Return a multiple of the stretches of time that holds a band, and transforms fast."""
    return n_frames * scipy.fft.next_fast_len(max(FINEST, -(-n_frequencies // n_frames)))
