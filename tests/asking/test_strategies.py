"""The contract of every strategy, and what sets each apart."""

import numpy as np
import pytest

from motor.asking.base import Pool
from motor.registry import plugins

ROOM = "motor.asking"


def made(kind):
    return plugins(ROOM)[kind].model_validate({"kind": kind})


@pytest.fixture
def pool():
    """Three clusters, of 40, 15 and 5 items; the model is less sure of later ones; the first is known."""
    draws = np.random.default_rng(0)
    centres = np.repeat([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]], [40, 15, 5], axis=0)
    first = np.linspace(0.99, 0.51, 60)
    probabilities = np.stack([first, 1 - first], axis=1)
    return Pool(centres + draws.normal(size=(60, 2)) * 0.3, probabilities, np.zeros((2, 2)))


@pytest.mark.parametrize("kind", plugins(ROOM))
@pytest.mark.parametrize("count", [1, 7, 60, 100])
def test_strategy_chooses_distinct_items_and_the_same_again(pool, kind, count):
    chosen = made(kind).choose(pool, count, seed=3)
    assert len(chosen) == len(set(chosen)) == min(count, 60)
    assert set(chosen) <= set(range(60))
    assert made(kind).choose(pool, count, seed=3) == chosen


@pytest.mark.parametrize("kind", plugins(ROOM))
def test_strategy_works_before_anything_is_known(pool, kind):
    empty = Pool(pool.X_ND, pool.probability_NC, np.zeros((0, 2)))
    assert len(made(kind).choose(empty, 5, seed=0)) == 5


def test_random_gives_each_item_the_same_chance(pool):
    counts = np.bincount([place for seed in range(600) for place in made("random").choose(pool, 6, seed)], minlength=60)
    assert counts.min() > 30  # 60 are expected
    assert counts.max() < 100


def test_margin_takes_the_least_sure(pool):
    assert set(made("margin").choose(pool, 5, 0)) == {55, 56, 57, 58, 59}


def test_margin_with_clusters_takes_unsure_ones_of_each_kind(pool):
    chosen = made("margin_with_clusters").choose(pool, 4, 0)
    assert {place >= 55 for place in chosen} == {True, False}
    assert min(chosen) >= 40


def test_typiclust_and_k_center_turn_to_clusters_without_a_label(pool):
    assert made("typiclust").choose(pool, 1, 0)[0] >= 40
    assert {place >= 55 for place in made("k_center").choose(pool, 2, 0)} == {True, False}


def test_badge_prefers_what_the_model_is_unsure_of(pool):
    sure = np.tile([1.0, 0.0], (60, 1))
    sure[7] = [0.5, 0.5]
    assert 7 in made("badge").choose(Pool(pool.X_ND, sure, pool.known_MD), 3, 0)


def test_strangest_asks_one_recording_of_each_motor_of_the_strange_the_least_sure(pool):
    strange, motors = np.arange(60.0), np.repeat(np.arange(20), 3)
    at = Pool(pool.X_ND, pool.probability_NC[::-1], pool.known_MD, strange, motors)  # the stranger, the surer
    assert made("strangest").choose(at, 2, 0) == [44, 47]  # of the six strangest motors, each by its strangest
    assert made("strangest").choose(at, 20, 0)[-1] // 3 == 19
    assert len({place // 3 for place in made("strangest").choose(at, 20, 0)}) == 20
