import numpy as np
import pandas as pd
import pytest

from motor.features.band_moments import BandMoments

RATE_HZ = 25600.0
ONE = BandMoments(bands_hz=((3000.0, 5500.0),))


def noise(seconds: float = 2.0, rate_hz: float = RATE_HZ) -> np.ndarray:
    return np.random.default_rng(0).normal(size=round(seconds * rate_hz))


def test_band_moments_of_noise_are_those_of_a_rayleigh_envelope():
    columns = ONE.from_recording(noise(20.0), RATE_HZ, None)
    assert np.exp(columns["kurtosis_band_1"]) == pytest.approx(2.0, abs=0.05)
    assert np.exp(columns["shape_band_1"]) == pytest.approx(np.sqrt(4 / np.pi), abs=0.01)


def test_band_moments_of_a_steady_tone_are_those_of_a_constant():
    time = np.arange(51200) / RATE_HZ
    columns = ONE.from_recording(np.sin(2 * np.pi * 4000 * time), RATE_HZ, None)
    assert list(columns.values()) == pytest.approx([0.0, 0.0, 0.0], abs=0.1)


def test_band_moments_of_strikes_rise_in_their_band():
    struck = noise()
    struck[::2560] += 60 * np.array([1, -1] * 10)
    before, after = (
        BandMoments().from_recording(noise(), RATE_HZ, None),
        BandMoments().from_recording(struck, RATE_HZ, None),
    )
    assert all(after[name] > before[name] for name in after if name.endswith("_4"))


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_band_moments_under_another_gain_are_the_same(gain):
    before = BandMoments().from_recording(noise(), RATE_HZ, None)
    assert BandMoments().from_recording(noise() * gain, RATE_HZ, None) == pytest.approx(before, abs=1e-6)


def test_band_moments_of_low_rates_are_of_lower_bands():
    feature = BandMoments().settled(pd.DataFrame({"sampling_rate_hz": [4096.0]}))
    assert max(high for _, high in feature.bands_hz) <= 2048
    assert len(feature.from_recording(noise(2.0, 4096.0), 4096.0, None)) == len(BandMoments().bands_hz) * 3
