"""The simulated plants of the benchmark: seeded, and a fault's strikes at the part's own order."""

import numpy as np
import pytest

from benchmarks.plants import FULL_RATE_HZ, PLANTS
from motor.features.lines import Lines


@pytest.fixture(scope="module")
def plant():
    from dataclasses import replace

    first = next(iter(PLANTS.values()))
    return replace(first, motors_per_class=1, recordings_per_motor=1, severity_db=(8.0, 8.0))


def test_plant_is_the_same_each_time(plant):
    once, again = (next(plant.recordings()) for _ in range(2))
    assert once[:3] == again[:3]
    assert np.array_equal(once[3], again[3])


def test_plant_part_that_is_struck_has_the_highest_line(plant):
    for _, label, speed_rpm, signal in plant.recordings():
        if label != "normal":
            columns = Lines().from_machine(signal, FULL_RATE_HZ, speed_rpm, plant.machine.components(speed_rpm))
            races = {name: columns[f"{name}_envelope"] for name in ("inner_race", "outer_race", "ball")}
            assert max(races, key=races.__getitem__) == label
