"""What is drawn: every impact, lines as high as they are, an envelope's fault line."""

import base64

import numpy as np
import pytest

from motor.review.views import envelope_spectrum, level, packed, spectrogram, spectrum, waveform

RATE_HZ = 8192.0
TIMES = np.arange(16384) / RATE_HZ


def peak_hz(found):
    return (np.argmax(found.values) + 0.5) * found.highest_hz / len(found.values)


def test_waveform_keeps_a_single_impact():
    signal = np.zeros(1_000_000, np.float32)
    signal[654_321] = 9
    low, high = waveform(signal, 0, len(signal))
    assert len(low) == len(high) == 1600
    assert (high.max(), low.min()) == (9, 0)


def test_waveform_of_a_stretch_is_that_stretch():
    signal = np.arange(1000, dtype=np.float32)
    low, high = waveform(signal, 100, 200, 50)
    assert (low[0], high[-1], len(low)) == (100, 199, 50)
    low, high = waveform(signal, 990, 5000, 50)
    assert (low[0], high[-1]) == (990, 999)


def test_spectrum_has_a_sines_line_at_its_frequency_and_height():
    found = spectrum(3 * np.sin(2 * np.pi * 1000 * TIMES).astype(np.float32) + 5, RATE_HZ)
    assert peak_hz(found) == pytest.approx(1000, abs=5)
    assert found.values.max() == pytest.approx(3, rel=0.02)
    assert found.highest_hz == pytest.approx(RATE_HZ / 2, rel=1e-3)


def test_envelope_spectrum_has_the_line_of_a_modulation():
    carrier = np.sin(2 * np.pi * 2500 * TIMES)
    found = envelope_spectrum(((1 + 0.8 * np.sin(2 * np.pi * 89 * TIMES)) * carrier).astype(np.float32), RATE_HZ)
    assert peak_hz(found) == pytest.approx(89, abs=2)
    assert found.values.max() == pytest.approx(0.8, rel=0.05)


def test_long_signal_is_averaged_to_the_same_line():
    times = np.arange(500_000) / RATE_HZ
    found = spectrum(np.sin(2 * np.pi * 1000 * times).astype(np.float32), RATE_HZ)
    assert peak_hz(found) == pytest.approx(1000, abs=5)
    assert found.values.max() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("n_samples", [2, 3, 10, 100])
def test_short_signals_are_drawn(n_samples):
    signal = np.linspace(-1, 1, n_samples, dtype=np.float32)
    for found in (spectrum(signal, RATE_HZ), envelope_spectrum(signal, RATE_HZ)):
        assert np.isfinite(found.values).all()
    assert spectrogram(signal).shape[0] >= 1


def test_spectrogram_is_brightest_at_the_sine():
    levels = spectrogram(np.sin(2 * np.pi * 1024 * TIMES).astype(np.float32))
    assert set(levels.argmax(axis=1)) == {32}  # 1024 Hz in bins of 32 Hz


def test_level_and_packing():
    assert level(np.array([-2, 2, -2, 2], np.float32)) == {"rms": 2.0, "kurtosis": 1.0}
    assert np.frombuffer(base64.b64decode(packed(np.array([1.5, -2]))), "<f4").tolist() == [1.5, -2]
