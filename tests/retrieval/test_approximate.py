"""Approximate search: nearly the exact neighbours, never of the own motor, the same each time."""

import numpy as np
import pytest
import torch

from motor.retrieval.memory import Memory, Remembered
from motor.retrieval.search import ExactSearch

faiss = pytest.importorskip("faiss", reason="needs the extra retrieval: pip install faiss-cpu")

from motor.retrieval.approximate import ApproximateSearch  # noqa: E402

N_KEYS, K = 6000, 10


@pytest.fixture(scope="module")
def keys():
    generator = np.random.default_rng(2)
    centres = generator.standard_normal((60, 16))
    found = centres[generator.integers(60, size=N_KEYS)] + 0.3 * generator.standard_normal((N_KEYS, 16))
    return torch.from_numpy(found.astype(np.float32)), np.array([f"m{place % 7}" for place in range(N_KEYS)])


def test_finds_nearly_what_exact_search_finds_and_none_of_the_own_motor(keys):
    keys_ND, motor_N = keys
    exact, near = (search(keys_ND, motor_N) for search in (ExactSearch, ApproximateSearch))
    queries, motors = keys_ND[:80], motor_N[:80].tolist()
    of_exact, found = (search.nearest(queries, K, motors) for search in (exact, near))
    same = [len(set(a) & set(b)) / K for a, b in zip(of_exact.place_QK.tolist(), found.place_QK.tolist(), strict=True)]
    assert np.mean(same) > 0.9
    assert not (motor_N[found.place_QK] == motor_N[:80, None]).any()
    assert (np.diff(found.square_QK, axis=1) >= 0).all()


def test_same_neighbours_each_time_and_for_any_batch(keys):
    first, again = (ApproximateSearch(*keys) for _ in range(2))
    motors = keys[1][:40].tolist()
    whole = first.nearest(keys[0][:40], K, motors)
    parts = [again.nearest(keys[0][place : place + 8], K, motors[place : place + 8]) for place in range(0, 40, 8)]
    assert np.array_equal(np.concatenate([part.place_QK for part in parts]), whole.place_QK)


def test_too_few_windows_of_other_motors_are_told():
    near = ApproximateSearch(torch.eye(4), ["a", "a", "a", "b"])
    with pytest.raises(ValueError, match="finds 1 windows of other motors than 'a'"):
        near.nearest(torch.eye(4)[:1], 2, ["a"])


def test_a_memory_is_searched_as_it_is_asked():
    generator = np.random.default_rng(1)
    memory = Memory.of(Remembered(f"m{place}", generator.standard_normal(300)) for place in range(3))
    unfolded = memory.unfolded(32, 8, 1, 0.1, "approximate")
    assert isinstance(unfolded.search, ApproximateSearch)
    found = unfolded.nearest(torch.randn(5, 32), 3, ["m0"] * 5)
    assert not (unfolded.motor_N[found.place_QK] == "m0").any()
