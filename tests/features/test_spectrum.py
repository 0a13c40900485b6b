import numpy as np
import pytest

from motor.features.spectrum import Spectrum

RATE_HZ = 25600.0


def noise(n_samples: int = 32768) -> np.ndarray:
    return np.random.default_rng(0).normal(size=n_samples)


def test_spectrum_of_white_noise_is_flat():
    levels = list(Spectrum().from_recording(noise(), RATE_HZ, None).values())
    assert len(levels) == 12
    assert np.abs(levels).max() < 1.0


def test_spectrum_of_a_tone_peaks_in_its_band():
    time = np.arange(32768) / RATE_HZ
    signal = noise() + 3 * np.sin(2 * np.pi * 4000 * time)
    columns = Spectrum().from_recording(signal, RATE_HZ, None)
    edges = np.array([float(name.split("_")[1]) for name in columns])
    expected = edges[edges * RATE_HZ / 2 <= 4000].max()
    assert max(columns, key=columns.__getitem__) == f"spectrum_{expected:.6f}"


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_spectrum_under_another_gain_is_the_same(gain):
    before = Spectrum().from_recording(noise(), RATE_HZ, None)
    assert Spectrum().from_recording(noise() * gain, RATE_HZ, None) == pytest.approx(before, abs=1e-6)


def test_spectrum_under_an_offset_is_the_same():
    before = Spectrum().from_recording(noise(), RATE_HZ, None)
    assert Spectrum().from_recording(noise() + 100.0, RATE_HZ, None) == pytest.approx(before, abs=1e-6)


def test_spectrum_of_a_short_recording_raises():
    with pytest.raises(ValueError, match=r"needs [0-9]+ samples"):
        Spectrum().from_recording(noise(100), RATE_HZ, None)
