"""Waveform, spectrum and envelope spectrum of signals that are known."""

import numpy as np
import pytest

from motor.evaluation.signals import MOST_POINTS, drawn, envelope_spectrum, spectrum, waveform

RATE_HZ = 8192.0
TIME_S = np.arange(4 * 8192) / RATE_HZ


def peak_of(found):
    place = int(np.argmax(found["amplitude"]))
    return found["f_hz"][place], found["amplitude"][place]


def test_spectrum_of_a_sine_peaks_at_its_frequency_with_its_amplitude():
    frequency_hz, amplitude = peak_of(spectrum(3.0 + 2.0 * np.sin(2 * np.pi * 120 * TIME_S), RATE_HZ))
    assert frequency_hz == pytest.approx(120, abs=0.1)
    assert amplitude == pytest.approx(2.0, rel=1e-3)


def test_envelope_spectrum_of_a_modulated_carrier_peaks_at_the_modulation():
    signal = (1 + 0.5 * np.sin(2 * np.pi * 37 * TIME_S)) * np.sin(2 * np.pi * 2000 * TIME_S)
    frequency_hz, amplitude = peak_of(envelope_spectrum(signal, RATE_HZ))
    assert frequency_hz == pytest.approx(37, abs=0.1)
    assert amplitude == pytest.approx(0.5, rel=0.02)


def test_waveform_keeps_a_single_sample_that_stands_out():
    signal = np.zeros(100_000)
    signal[54_321] = 5.0
    found = waveform(signal, RATE_HZ)
    assert len(found["t_s"]) == len(found["low"]) == MOST_POINTS
    assert found["t_s"][int(np.argmax(found["high"]))] == pytest.approx(54_321 / RATE_HZ, abs=100 / RATE_HZ)


def test_waveform_of_few_samples_is_the_samples():
    found = waveform(np.array([1.0, -2.0, 3.0]), 10.0)
    assert found == {"t_s": [0.0, 0.1, 0.2], "low": [1.0, -2.0, 3.0], "high": [1.0, -2.0, 3.0]}


def test_drawn_points_are_few_and_growing_however_long_the_signal():
    found = drawn(np.random.default_rng(0).normal(size=2**17 + 1).astype(np.float32), 51_200.0)
    for name, axis in (("waveform", "t_s"), ("spectrum", "f_hz"), ("envelope_spectrum", "f_hz")):
        assert len(found[name][axis]) <= MOST_POINTS
        assert (np.diff(found[name][axis]) > 0).all()
    assert max(found["envelope_spectrum"]["f_hz"]) <= 1000
