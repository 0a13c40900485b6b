import numpy as np
import pandas as pd
import pytest

from motor.features.third_octaves import ThirdOctaves

RATE_HZ = 25600.0


def toned(rate_hz: float = RATE_HZ, tone_hz: float = 1000.0) -> np.ndarray:
    """Return a second of a tone in noise of one density, whatever the rate."""
    time = np.arange(round(rate_hz)) / rate_hz
    noise = np.random.default_rng(0).normal(size=time.size) * np.sqrt(rate_hz / RATE_HZ)
    return noise + 3 * np.sin(2 * np.pi * tone_hz * time)


def settled(*rates_hz: float) -> ThirdOctaves:
    return ThirdOctaves().settled(pd.DataFrame({"sampling_rate_hz": rates_hz}))


def test_third_octaves_of_a_tone_peak_in_its_band():
    columns = ThirdOctaves().from_recording(toned(), RATE_HZ, None)
    edge = float(max(columns, key=columns.__getitem__).split("_")[2])
    assert edge <= 1000.0 < edge * 2 ** (1 / 3)


@pytest.mark.parametrize("rate_hz", [12800.0, 51200.0])
def test_third_octaves_of_one_machine_are_the_same_at_every_rate(rate_hz):
    before = ThirdOctaves().from_recording(toned(), RATE_HZ, None)
    after = ThirdOctaves().from_recording(toned(rate_hz), rate_hz, None)
    assert list(after) == list(before)
    wide = [name for name in before if float(name.split("_")[2]) > 400]
    assert [after[name] for name in wide] == pytest.approx([before[name] for name in wide], abs=2.0)


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_third_octaves_under_another_gain_are_the_same(gain):
    before = ThirdOctaves().from_recording(toned(), RATE_HZ, None)
    assert ThirdOctaves().from_recording(toned() * gain, RATE_HZ, None) == pytest.approx(before, abs=1e-6)


def test_third_octaves_end_where_the_lowest_rate_ends():
    columns = settled(8192.0, 51200.0).from_recording(toned(), RATE_HZ, None)
    highest = max(float(name.split("_")[2]) for name in columns) * 2 ** (1 / 3)
    assert 0.7 * 4096 < highest < 0.977 * 4096


def test_third_octaves_of_a_rate_too_low_for_two_bands_raise():
    with pytest.raises(ValueError, match="set lowest_hz lower"):
        settled(110.0).from_recording(np.random.default_rng(0).normal(size=500), 110.0, None)


def test_third_octaves_above_the_nyquist_frequency_raise():
    with pytest.raises(ValueError, match="Nyquist"):
        ThirdOctaves().from_recording(toned(8000.0), 8000.0, None)
