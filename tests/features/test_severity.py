"""Velocity in mm/s, and the zone that ISO 20816-3 gives it."""

import numpy as np
import pytest

from motor.features.severity import velocity_mm_s
from motor.recordings.machines import Iso20816, Machine, zone_of

RATE_HZ = 12800.0
TIME_S = np.arange(12800) / RATE_HZ


def tone(amplitude: float, frequency_hz: float) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency_hz * TIME_S)


@pytest.mark.parametrize(("unit", "factor"), [("m/s²", 1.0), ("g", 1 / 9.80665), ("mm/s2", 1e3)])
def test_velocity_of_an_accelerations_tone_is_its_integral(unit, factor):
    amplitude = 2 * np.pi * 50 * 4e-3 * factor  # of a tone of 4 mm/s at 50 Hz
    assert velocity_mm_s(tone(amplitude, 50), RATE_HZ, unit) == pytest.approx(4 / np.sqrt(2), rel=1e-3)


def test_velocity_of_a_velocity_is_its_root_mean_square_in_the_band():
    signal = tone(4.0, 50) + tone(30.0, 3) + tone(30.0, 2500)
    assert velocity_mm_s(signal, RATE_HZ, "mm/s") == pytest.approx(4 / np.sqrt(2), rel=1e-3)
    assert velocity_mm_s(signal / 1e3, RATE_HZ, "m/s") == pytest.approx(4 / np.sqrt(2), rel=1e-3)


@pytest.mark.parametrize(("unit", "rate_hz"), [(None, RATE_HZ), ("Pa", RATE_HZ), ("m/s²", 1600.0)])
def test_velocity_is_not_known_without_a_unit_or_with_too_low_a_rate(unit, rate_hz):
    assert velocity_mm_s(tone(1.0, 50), rate_hz, unit) is None


@pytest.mark.parametrize(("velocity", "zone"), [(1.3, "A"), (1.5, "B"), (4.0, "C"), (4.6, "D")])
def test_zone_of_a_medium_machine_on_a_rigid_support(velocity, zone):
    machines = {"*": Machine(iso_20816=Iso20816(group=2, support="rigid"))}
    assert zone_of(machines, "pump", velocity) == zone
    assert zone_of({}, "pump", velocity) is None


def test_machine_without_a_class_has_the_record_of_before():
    assert "iso_20816" not in Machine(blades=4).model_dump()
