"""A memory: series kept whole, their windows unfolded, none of them given to its own motor."""

import numpy as np
import pytest
import torch

from motor.retrieval.keys import shape
from motor.retrieval.memory import Memory, Remembered

KEY, HORIZON = 16, 4


@pytest.fixture
def memory() -> Memory:
    generator = np.random.default_rng(0)
    return Memory.of(Remembered(f"m{place % 3}", generator.normal(size=60 + place)) for place in range(6))


def test_memory_unfolds_every_window_that_has_a_future(memory):
    unfolded = memory.unfolded(KEY, HORIZON, 1)
    assert len(unfolded.start_N) == sum(60 + place - KEY - HORIZON + 1 for place in range(6))
    ends = unfolded.start_N + KEY + HORIZON
    of_series = np.searchsorted(memory.end_S, unfolded.start_N, side="right")
    assert (ends <= memory.end_S[of_series]).all()
    assert unfolded.motor_N.tolist() == [memory.motors[place] for place in of_series]


def test_memory_futures_are_in_units_of_their_own_window(memory):
    unfolded = memory.unfolded(KEY, HORIZON, 3)
    start = int(unfolded.start_N[5])
    past, future = memory.samples[start : start + KEY], memory.samples[start + KEY : start + KEY + HORIZON]
    expected = (future - past.mean()) / past.std()
    np.testing.assert_allclose(unfolded.futures(np.array([[5]]))[0, 0], expected, rtol=1e-5)


def test_memory_training_windows_are_given_no_neighbour_of_their_motor(memory):
    unfolded = memory.unfolded(KEY, HORIZON, 1)
    windows = np.lib.stride_tricks.sliding_window_view(memory.samples, KEY)[unfolded.start_N]
    keys = shape(torch.from_numpy(windows.copy()), KEY)
    found = unfolded.search.nearest(keys, 5, unfolded.motor_N)
    assert (unfolded.motor_N[found.place_QK] != unfolded.motor_N[:, None]).all()


def test_memory_saved_and_loaded_is_the_same(memory, tmp_path):
    memory.save(tmp_path / "memory.safetensors")
    loaded = Memory.load(tmp_path / "memory.safetensors")
    np.testing.assert_array_equal(loaded.samples, memory.samples)
    np.testing.assert_array_equal(loaded.end_S, memory.end_S)
    assert loaded.motors == memory.motors


def test_memory_of_one_motor_named():
    with pytest.raises(ValueError, match=r"two motors or more.* has windows of 1 motors of 20 samples"):
        Memory.of([Remembered("a", np.zeros(50))]).unfolded(KEY, HORIZON, 1)
