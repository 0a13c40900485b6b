"""The same machines recorded at other rates are told apart as well."""

import pytest

from benchmarks.physics import RATES_HZ, score
from benchmarks.plants import PLANTS


@pytest.mark.slow
def test_physics_at_five_sampling_rates_scores_within_three_hundredths() -> None:
    found = [score("physics", next(iter(PLANTS.values())), rate_hz) for rate_hz in RATES_HZ]
    assert all(value is not None for value in found)
    assert max(found) - min(found) <= 0.03


@pytest.mark.slow
@pytest.mark.parametrize("program", ["lines", "physics", "orders"])
def test_program_reaches_95_in_the_worst_plant_of_one_percent_of_slip(program: str) -> None:
    assert min(score(program, plant, plant.rate_hz) or 0.0 for plant in PLANTS.values()) >= 0.95
