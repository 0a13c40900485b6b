"""Reduce a signal to the few numbers that are drawn, with every impact, whatever its length."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

COLUMNS = 1600  # of a screen
SEGMENT = 1 << 16  # samples of a spectrum at once
SEGMENTS = 8  # that a spectrum averages at most: of a longer signal, evenly spread
ENVELOPE_BAND = (0.1, 0.95)  # shares of the Nyquist frequency: above the shaft's own harmonics
ENVELOPE_HZ = 1000.0  # to which an envelope's spectrum is drawn
SHOWN_WINDOW, SHOWN_TIMES = 256, 240  # of a spectrogram: samples a column, columns at most


@dataclass(frozen=True)
class Spectrum:
    """Amplitudes from 0 Hz on.

    Attributes
    ----------
    values : ndarray of float32, shape (n_columns,)
        The greatest of each column.
    highest_hz : float
        Where the last column ends.
    """

    values: np.ndarray
    highest_hz: float


def waveform(signal: np.ndarray, start: int, stop: int, columns: int = COLUMNS) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest sample of each column, from sample `start` to before `stop`.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    start, stop : int
        Taken to the signal's ends where they are beyond.
    columns : int
        There are no more than samples.

    Returns
    -------
    low, high : ndarrays of float32, shape (n_columns,)
    """
    part = signal[max(0, start) : max(start + 1, min(stop, len(signal)))]
    edges = np.linspace(0, len(part), min(columns, len(part)), endpoint=False).astype(np.int64)
    return np.minimum.reduceat(part, edges).astype(np.float32), np.maximum.reduceat(part, edges).astype(np.float32)


def spectrum(signal: np.ndarray, sampling_rate_hz: float, columns: int = COLUMNS) -> Spectrum:
    """Return the amplitude spectrum (Hann window; a sine's line is as high as its amplitude)."""
    return _averaged(signal, sampling_rate_hz, sampling_rate_hz / 2, columns, lambda part: part - part.mean())


def envelope_spectrum(
    signal: np.ndarray, sampling_rate_hz: float, columns: int = COLUMNS, band: tuple[float, float] = ENVELOPE_BAND
) -> Spectrum:
    """Return the spectrum of the envelope of a band, to 1000 Hz: where the impacts of a bearing stand as lines.

    The envelope is the magnitude of the analytic signal of the band; see `motor.features.envelope_spectrum`.
    """
    return _averaged(
        signal, sampling_rate_hz, min(ENVELOPE_HZ, sampling_rate_hz / 4), columns, lambda part: _envelope(part, band)
    )


def spectrogram(signal: np.ndarray) -> np.ndarray:
    """Return levels in dB below the greatest, as uint8 from 80 dB (0) to 0 dB (255); shape (n_times, n_bins)."""
    window = min(SHOWN_WINDOW, len(signal))
    starts = np.linspace(0, len(signal) - window, min(SHOWN_TIMES, len(signal) - window + 1)).astype(np.int64)
    frames = signal[starts[:, None] + np.arange(window)].astype(np.float64)
    power = np.abs(np.fft.rfft((frames - frames.mean()) * np.hanning(window), axis=1)) ** 2
    level_db = 10 * np.log10(np.maximum(power, 1e-30) / max(power.max(), 1e-30))
    return np.asarray(np.clip((level_db + 80) / 80 * 255, 0, 255), dtype=np.uint8)


def packed(values: np.ndarray) -> str:
    """Return numbers as the page reads them: bytes of little-endian float32, or of uint8, in base64."""
    kind = np.uint8 if values.dtype == np.uint8 else np.dtype("<f4")
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()


def level(signal: np.ndarray) -> dict[str, float]:
    """Return the root mean square (the signal's unit) and the kurtosis (3 for noise) of a signal without its mean."""
    values = signal.astype(np.float64) - signal.mean()
    power = float(np.mean(values**2))
    kurtosis = float(np.mean(values**4)) / power**2 if power else 0.0
    return {"rms": power**0.5, "kurtosis": kurtosis}


def _averaged(signal: np.ndarray, sampling_rate_hz: float, highest_hz: float, columns: int, shape: Any) -> Spectrum:
    """Return the root of the mean power of shaped segments, the greatest of each column."""
    n_samples = min(SEGMENT, len(signal))
    starts = np.linspace(0, len(signal) - n_samples, min(SEGMENTS, max(1, len(signal) // n_samples))).astype(np.int64)
    window = np.hanning(n_samples) if n_samples > 2 else np.ones(n_samples)
    power = np.zeros(n_samples // 2 + 1)
    for start in starts:
        shaped = shape(signal[start : start + n_samples].astype(np.float64))
        line = np.fft.rfft(shaped * window)
        power += line.real**2 + line.imag**2  # without the root that the square undoes
    amplitude = 2 * np.sqrt(power / len(starts)) / window.sum()
    n_bins = max(2, int(highest_hz * n_samples / sampling_rate_hz) + 1)
    within = amplitude[:n_bins]
    edges = np.linspace(0, len(within), min(columns, len(within)), endpoint=False).astype(np.int64)
    return Spectrum(np.maximum.reduceat(within, edges).astype(np.float32), n_bins * sampling_rate_hz / n_samples)


def _envelope(part: np.ndarray, band: tuple[float, float]) -> np.ndarray:
    one_sided = np.fft.rfft(part)
    edges = (np.array(band) * (len(one_sided) - 1)).astype(int)
    one_sided[: edges[0]] = 0
    one_sided[edges[1] + 1 :] = 0
    analytic = np.fft.ifft(2 * one_sided, len(part))
    envelope = np.sqrt(analytic.real**2 + analytic.imag**2)
    return np.asarray(envelope - envelope.mean())
