"""Classical features: time statistics, short-time levels, power spectrum, high-frequency shares."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from motor.features.base import RecordingFeature
from motor.features.envelope_spectrum import centred
from motor.lazy import scipy

if TYPE_CHECKING:
    import pandas as pd

N_SEGMENTS = 127
"""Of the short-time spectrum: 8192 samples in Hann segments of 128 that overlap by half."""
SHORTEST_HOP = 4
"""Samples between segments, at least, so that a segment of twice that has a spectrum."""


def in_yaml(settings: Mapping[str, Any]) -> str:
    """Return settings of `Classical.fitted_to` as a config holds them."""
    values = {name: str([*value] if isinstance(value, tuple) else value) for name, value in settings.items()}
    return "{" + ", ".join(f"{name}: {value}" for name, value in values.items()) + "}"


class Classical(RecordingFeature):
    """The 1200 classical features: 15 of time, 127 of STFT, 1050 of PSD and 8 of high frequencies.

    The mean is always taken off: it tells the measuring chain (on HIT-SM, macro-F1 .79 alone) and no fault. So two
    statistics of the usual fifteen, the mean (now 0) and the standard deviation (now the RMS), give way to the root
    amplitude and the clearance factor, which complete the set of Lei et al. (2008).
    """

    kind: Literal["classical"] = "classical"
    level: Literal["left_out", "kept"] = Field(
        default="left_out", description="whether the signal is divided by its root mean square first"
    )
    spectrum_unit: Literal["decibel", "density"] = Field(
        default="decibel", description="short-time levels and PSD as decibels, or as they are"
    )
    psd_highest_hz: int = Field(default=1050, ge=1, description="last frequency of the PSD, which has a column a Hz")
    high_frequencies_hz: tuple[Annotated[float, Field(ge=10)], ...] = Field(
        default=(1000.0, 2000.0, 3000.0, 4000.0), description="frequencies above which the share of power is taken"
    )

    def faults(self, meta: "pd.DataFrame") -> Iterator[str]:
        try:
            self._check_rate(float(meta["sampling_rate_hz"].min()))
        except ValueError as error:
            yield str(error)

    def from_recording(self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None) -> dict[str, float]:
        """Return the columns of `time_statistics`, `segment_levels`, `welch_psd`, `high_frequency_ratios`, prefixed.

        Raises
        ------
        ValueError
            If the sampling rate is too low for the frequencies asked for, or the recording too short.
        """
        self._check_rate(sampling_rate_hz)
        values = centred(signal)
        if self.level == "left_out":
            values /= np.sqrt(np.mean(values**2))
        frequencies_hz, density = welch_psd(values, sampling_rate_hz)
        wanted_hz = np.arange(1, self.psd_highest_hz + 1)
        psd = self._in_unit(np.interp(wanted_hz, frequencies_hz, density), 10.0)
        levels = self._in_unit(segment_levels(values), 20.0)
        return {
            **{f"time_{name}": value for name, value in time_statistics(values).items()},
            **{f"stft_{number:03d}": value for number, value in enumerate(levels.tolist(), 1)},
            **{f"psd_{hz:04d}_hz": value for hz, value in zip(wanted_hz, psd.tolist(), strict=True)},
            **high_frequency_ratios(frequencies_hz, density, self.high_frequencies_hz),
        }

    def _in_unit(self, values: np.ndarray, factor: float) -> np.ndarray:
        """Return power (factor 10) or amplitude (factor 20) in the unit that is set."""
        if self.spectrum_unit == "density":
            return values
        return factor * np.log10(np.maximum(values, np.finfo(np.float32).eps ** 2 * values.max()))

    def fitted_to(self, sampling_rate_hz: float) -> dict[str, Any]:
        """Return the settings that have to be lower at a sampling rate, each as high as it may be; {} where all fit."""
        nyquist_hz = sampling_rate_hz / 2
        fits = {
            "psd_highest_hz": min(self.psd_highest_hz, max(1, math.ceil(nyquist_hz) - 1)),
            "high_frequencies_hz": tuple(hz for hz in self.high_frequencies_hz if hz < nyquist_hz),
        }
        return {name: value for name, value in fits.items() if value != getattr(self, name)}

    def _check_rate(self, sampling_rate_hz: float) -> None:
        """Raise ValueError unless all frequencies lie below the Nyquist frequency."""
        if fits := self.fitted_to(sampling_rate_hz):
            highest_hz = max((self.psd_highest_hz, *self.high_frequencies_hz))
            raise ValueError(
                f"feature classical reaches {highest_hz:g} Hz, but a recording at {sampling_rate_hz:g} Hz ends below "
                f"{sampling_rate_hz / 2:g} Hz (Nyquist); set {' and '.join(fits)} lower for all recordings: "
                f"features.classical={in_yaml(fits)}"
            )


def time_statistics(values: np.ndarray) -> dict[str, float]:
    """Return fifteen statistics of a signal without mean.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), float64
        Mean 0, not all 0.

    Returns
    -------
    dict of float
        In the signal's unit: ``rms, root_amplitude`` (squared mean of the root magnitude), ``mean_magnitude, maximum,
        minimum, peak_to_peak``; its square: ``variance``; without unit: ``skewness, kurtosis`` (3 for a Gaussian),
        ``zero_crossing_rate`` (a sample), and the peak magnitude over the RMS (``crest_factor``), over the mean
        magnitude (``impulse_factor``), over the root amplitude (``clearance_factor``) and over the fourth root of the
        mean fourth power (``margin_factor``); ``shape_factor`` is the RMS over the mean magnitude.

    Notes
    -----
    Lei, He and Zi 2008, Expert Systems with Applications 35, 1593-1600, table 1; Randall 2011, Vibration-based
    Condition Monitoring, section 5.3, for kurtosis and crest factor.
    """
    magnitude = np.abs(values)
    peak, mean_magnitude = magnitude.max(), magnitude.mean()
    variance = np.mean(values**2)
    rms, fourth = np.sqrt(variance), np.mean(values**4)
    root_amplitude = np.mean(np.sqrt(magnitude)) ** 2
    statistics = {
        "rms": rms,
        "variance": variance,
        "root_amplitude": root_amplitude,
        "mean_magnitude": mean_magnitude,
        "maximum": values.max(),
        "minimum": values.min(),
        "peak_to_peak": np.ptp(values),
        "skewness": np.mean(values**3) / rms**3,
        "kurtosis": fourth / variance**2,
        "zero_crossing_rate": np.mean(np.signbit(values[1:]) != np.signbit(values[:-1])),
        "crest_factor": peak / rms,
        "impulse_factor": peak / mean_magnitude,
        "clearance_factor": peak / root_amplitude,
        "margin_factor": peak / fourth**0.25,
        "shape_factor": rms / mean_magnitude,
    }
    return {name: float(value) for name, value in statistics.items()}


def segment_levels(values: np.ndarray) -> np.ndarray:
    """Return the mean magnitude of the short-time spectrum of each of 127 segments, in order of time.

    Hann segments that overlap by half and fill the recording, whatever its length (8192 samples: 128 samples each,
    a step of 64); the magnitude of a sine is half its amplitude; frequency 0 is left out.

    Raises
    ------
    ValueError
        If the recording has fewer than 512 samples.
    """
    hop = values.size // (N_SEGMENTS + 1)
    if hop < SHORTEST_HOP:
        raise ValueError(
            f"feature classical needs {SHORTEST_HOP * (N_SEGMENTS + 1)} samples, but a recording has {values.size}; "
            "give longer recordings, or choose feature spectrum"
        )
    segments = np.lib.stride_tricks.sliding_window_view(values, 2 * hop)[: N_SEGMENTS * hop : hop]
    window = np.hanning(2 * hop + 1)[:-1]
    return np.abs(np.fft.rfft(segments * window, axis=1))[:, 1:].mean(axis=1) / window.sum()


def welch_psd(values: np.ndarray, sampling_rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies in Hz, about 1 Hz apart, and the power spectral density there.

    Welch's method (1967, IEEE Transactions on Audio and Electroacoustics 15(2), 70-73), Hann segments of a second, or
    of half the recording where that is shorter, that overlap by half.
    """
    second = round(sampling_rate_hz)
    length = max(2, min(second, values.size // 2))
    return scipy.signal.welch(values, fs=sampling_rate_hz, nperseg=length, nfft=max(second, length), detrend=False)


def high_frequency_ratios(
    frequencies_hz: np.ndarray, density: np.ndarray, above_hz: tuple[float, ...]
) -> dict[str, float]:
    """Return two ratios for each frequency of `above_hz`, over the whole spectrum but frequency 0.

    ``high_amplitude_<f>_hz`` is the mean density above over the mean density below, on a logarithmic scale (decades);
    ``high_power_<f>_hz`` the share of the power that lies above, 0 to 1.

    Notes
    -----
    Of a PSD that ends at 2000 Hz the ratios above 3000 and 4000 Hz would always be 0.
    """
    tiny = np.finfo(np.float32).eps ** 2 * density.max()
    columns = {}
    for edge_hz in above_hz:
        high, low = density[frequencies_hz >= edge_hz], density[(frequencies_hz > 0) & (frequencies_hz < edge_hz)]
        columns[f"high_amplitude_{edge_hz:g}_hz"] = float(np.log10((high.mean() + tiny) / (low.mean() + tiny)))
        columns[f"high_power_{edge_hz:g}_hz"] = float(high.sum() / (high.sum() + low.sum()))
    return columns


PLUGIN = Classical
