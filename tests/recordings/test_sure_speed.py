"""The speed is within half a percent, or not known."""

import numpy as np
import pytest

from benchmarks.plants import CLASSES, FULL_RATE_HZ, PLANTS, Built, Plant
from motor.recordings.sure_speed import sure_speed

RATE_HZ, RANGE_RPM = 12800.0, (700.0, 2500.0)


def rotor(speed_rpm: float, seed: int = 0, strength: float = 0.5) -> np.ndarray:
    """Return the first harmonics of a shaft in noise."""
    time = np.arange(round(2 * RATE_HZ)) / RATE_HZ
    tones = [strength * np.cos(2 * np.pi * h * speed_rpm / 60 * time + h) for h in (1, 2, 3)]
    return sum(tones) + np.random.default_rng(seed).normal(size=time.size)


@pytest.mark.parametrize("speed_rpm", [733.0, 1480.0, 2310.0])
def test_sure_speed_of_a_rotor_is_known_within_half_a_percent(speed_rpm):
    found = sure_speed([(rotor(speed_rpm), RATE_HZ)], RANGE_RPM)
    assert found.is_known
    assert found.speed_rpm == pytest.approx(speed_rpm, rel=0.005)


@pytest.mark.parametrize("seed", range(4))
def test_sure_speed_of_noise_is_not_known(seed):
    assert not sure_speed([(rotor(933.0, seed, strength=0.0), RATE_HZ)], RANGE_RPM).is_known


def test_sure_speed_is_not_known_where_half_of_it_shows():
    time = np.arange(round(2 * RATE_HZ)) / RATE_HZ
    half = 0.2 * (
        np.cos(2 * np.pi * 7.5 * 1.0 * time) + np.cos(2 * np.pi * 22.5 * time) + np.cos(2 * np.pi * 37.5 * time)
    )
    found = sure_speed([(rotor(900.0) + half, RATE_HZ)], (400.0, 1500.0))
    assert not found.is_known


def test_sure_speed_is_not_known_where_a_range_leaves_the_taller_family_out():
    faint, tall = rotor(900.0, 1, strength=0.08), rotor(1660.0, 2, strength=1.0)
    range_rpm = (850.0, 1050.0)
    assert sure_speed([(faint, RATE_HZ)], range_rpm).is_known
    found = sure_speed([(faint + tall, RATE_HZ)], range_rpm)
    assert not found.is_known
    assert found.outside_db > 5


def test_sure_speed_is_not_known_where_more_harmonics_tell_another_speed_nearby():
    time = np.arange(round(4 * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(0).normal(size=time.size)
    shaft = sum(0.1 * np.cos(2 * np.pi * 20 * h * time + h) for h in (2, 3, 4, 5, 6, 7, 8))
    beat = sum(0.5 * np.cos(2 * np.pi * 19.7 * h * time + h) for h in (1, 2, 3))
    assert sure_speed([(shaft + noise, RATE_HZ)], (900.0, 1600.0)).beside_db < 3
    found = sure_speed([(shaft + beat + noise, RATE_HZ)], (900.0, 1600.0))
    assert found.speed_rpm == pytest.approx(19.7 * 60, rel=0.005)
    assert not found.is_known
    assert found.beside_db > 3


def test_sure_speed_of_two_sensors_stands_out_more_than_by_the_poorer_one():
    poor, good = (rotor(933.0, 1, strength=0.02), RATE_HZ), (rotor(933.0, 2), RATE_HZ)
    alone, together = sure_speed([poor], RANGE_RPM), sure_speed([poor, good], RANGE_RPM)
    assert together.height_db > alone.height_db
    assert together.speed_rpm == pytest.approx(933.0, rel=0.005)


def of_plant(plant: Plant, n_each: int) -> tuple[list[bool], list[bool]]:
    """Return for each simulated recording whether its speed is known, and whether it is right."""
    from scipy.signal import resample

    low, high = plant.speed_rpm
    known, right = [], []
    for label in CLASSES:
        for number in range(n_each):
            random = np.random.default_rng((13, plant.seed, CLASSES.index(label), number))
            built = Built.draw(random, plant)
            signal = built.signal(random, plant, label, built.speed_rpm)
            signal = resample(signal, round(signal.size * plant.rate_hz / FULL_RATE_HZ))
            span = max(0.6 * low, 5.05 * 60 / plant.seconds), 1.8 * high
            found = sure_speed([(signal, plant.rate_hz)], span)
            known.append(found.is_known)
            right.append(abs(found.speed_rpm / built.speed_rpm - 1) <= 0.005)
    return known, right


def test_sure_speed_of_a_few_simulated_recordings_is_right():
    known, right = of_plant(next(iter(PLANTS.values())), 1)
    assert all(right)
    assert sum(known) >= 3


@pytest.mark.slow
def test_sure_speed_of_95_of_100_simulated_recordings_is_within_half_a_percent_and_the_rest_is_not_known():
    each = [of_plant(plant, 7) for plant in PLANTS.values()]
    known, right = (np.concatenate([np.array(one[place]) for one in each]) for place in (0, 1))
    assert (known & right).mean() >= 0.95
    assert (known & ~right).mean() <= 0.01
