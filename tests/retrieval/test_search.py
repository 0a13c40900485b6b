"""Exact search: the nearest keys of other motors, by brute force in float64, and the same for any batch."""

import numpy as np
import pytest
import torch

from motor.retrieval.search import ExactSearch, OwnMotorError, check_others

N, D, K = 3000, 24, 10


@pytest.fixture(scope="module")
def keys() -> torch.Tensor:
    """Unit vectors of which every third comes twice, so that there are ties."""
    keys_ND = np.random.default_rng(0).normal(size=(N, D)).astype(np.float32)
    keys_ND[::3] = keys_ND[1::3]
    return torch.from_numpy(keys_ND / np.linalg.norm(keys_ND, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def motors() -> np.ndarray:
    return np.array([f"m{number % 7}" for number in range(N)], dtype=object)


@pytest.fixture(scope="module")
def search(keys: torch.Tensor, motors: np.ndarray) -> ExactSearch:
    return ExactSearch(keys, motors)


def brute_force(keys: torch.Tensor, motors: np.ndarray, queries: torch.Tensor, own: np.ndarray) -> tuple:
    apart_QND = queries.double().numpy()[:, None] - keys.double().numpy()[None]
    square_QN = np.einsum("qnd,qnd->qn", apart_QND, apart_QND)
    square_QN[own[:, None] == motors[None]] = np.inf
    order = np.lexsort((np.broadcast_to(np.arange(N), square_QN.shape), square_QN))[:, :K]
    return np.take_along_axis(square_QN, order, 1), order


@pytest.mark.parametrize(("chunk", "tile"), [(131072, 8192), (700, 128), (128, 128)])
def test_nearest_is_what_brute_force_finds(search, keys, motors, monkeypatch, chunk, tile):
    monkeypatch.setattr("motor.retrieval.search.CHUNK", chunk)
    monkeypatch.setattr("motor.retrieval.search.TILE", tile)
    queries, own = keys[:70], motors[:70]
    square_QK, place_QK = brute_force(keys, motors, queries, own)
    found = search.nearest(queries, K, own)
    np.testing.assert_array_equal(found.place_QK, place_QK)
    np.testing.assert_array_equal(found.square_QK, square_QK)


def test_nearest_same_bits_for_any_batch_and_threads(search, keys, motors):
    threads, found = torch.get_num_threads(), []
    try:
        for n_threads, size in ((1, 64), (2, 64), (1, 7), (2, 7), (1, 1), (2, 1)):
            torch.set_num_threads(n_threads)
            parts = [slice(first, min(first + size, 64)) for first in range(0, 64, size)]
            batches = [search.nearest(keys[part], K, motors[part]) for part in parts]
            found.append([np.concatenate(values).tobytes() for values in zip(*batches, strict=True)])
    finally:
        torch.set_num_threads(threads)
    assert all(each == found[0] for each in found)


def test_nearest_many_equal_keys_are_proven_by_more_candidates(motors):
    search = ExactSearch(torch.ones(N, D), motors)
    found = search.nearest(torch.ones(1, D), K, ["new"])
    assert found.place_QK.tolist() == [list(range(K))]


def test_nearest_of_a_new_motor_looks_at_all(search, keys):
    assert search.nearest(keys[:1], 2, ["new"]).square_QK.max() == 0  # itself and its twin


def test_nearest_more_than_there_are_of_others_named(keys):
    search = ExactSearch(keys[:20], ["a"] * 15 + ["b"] * 5)
    with pytest.raises(ValueError, match="holds 5 windows of other motors than 'a'; set top_k lower"):
        search.nearest(keys[:1], 6, ["a"])


def test_the_rule_that_leaves_out_overlap_alone_fails_the_check(keys, motors):
    start_N = np.arange(N) // 7  # windows of a motor follow one another
    apart_QN = torch.cdist(keys[:50], keys).numpy()
    overlaps_QN = (motors[:50, None] == motors[None]) & (np.abs(start_N[:50, None] - start_N[None]) < 3)
    place_QK = np.argsort(np.where(overlaps_QN, np.inf, apart_QN), axis=1)[:, :K]
    with pytest.raises(OwnMotorError, match="neighbours of their own motor"):
        check_others(motors[:50].tolist(), motors[place_QK])
