"""Machines that wear: their own past is worth what an oracle knows of them, and levels as they are are not."""

from dataclasses import replace

import pytest

from benchmarks.wearing import WEAR, Wearing, plant, scores


def test_wear_of_level_under_unlike_gains_is_told_by_the_own_past_alone() -> None:
    found = scores(Wearing(replace(plant(), seconds=0.25), "level", seed=0, n_motors=6))
    assert found["own_reference"] > 0.8
    assert found["absolute"] < found["own_reference"] - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("wear", WEAR)
def test_own_past_comes_within_three_hundredths_of_an_oracle(wear: str) -> None:
    found = scores(Wearing(plant(), wear, seed=0))
    one_series = 1 / 96
    assert found["own_reference"] >= found["oracle"] - 0.03 - one_series
    assert found["absolute"] <= found["oracle"] - 0.1
