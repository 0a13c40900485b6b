import numpy as np
import pytest

from motor.features.level import Level, velocity_db

RATE_HZ = 25600.0


def tone(hz: float, seconds: float = 2.0) -> np.ndarray:
    return np.sqrt(2) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


@pytest.mark.parametrize("gain", [1e-3, 1.0, 50.0])
def test_level_follows_the_gain_in_decibels(gain):
    before, after = (Level().from_recording(tone(1000.0) * g, RATE_HZ, None) for g in (1.0, gain))
    assert after["level_rms"] == pytest.approx(20 * np.log10(gain), abs=0.01)
    assert after["level_rms"] - before["level_rms"] == pytest.approx(20 * np.log10(gain), abs=1e-6)


@pytest.mark.parametrize("hz", [20.0, 100.0, 900.0])
def test_level_velocity_is_the_acceleration_over_its_angular_frequency(hz):
    assert velocity_db(tone(hz), RATE_HZ) == pytest.approx(-20 * np.log10(2 * np.pi * hz), abs=0.1)


@pytest.mark.parametrize("hz", [3.0, 2000.0])
def test_level_velocity_leaves_out_what_lies_outside_its_band(hz):
    assert velocity_db(tone(hz), RATE_HZ) < -20 * np.log10(2 * np.pi * hz) - 20
