"""Exact masked search for neighbours, beside the exact flat index of faiss, in one run.

    python -m benchmarks.retrieval [--windows 100000] [--length 64] [--k 10] [--rounds 5] [--approximate]

Windows of noisy tones by shape; 64 queries at once, each without the windows of its own motor, on one thread. faiss
searches the same keys twice: with nothing left out, all queries at once, which is less than what is asked for; and with
the own motor left out, a motor at a time, for one call of it takes one selector. All in CPU time a query, in turns, the
median of the rounds. That batches of 1, 7 and 64 queries and 1 or 2 threads give the same neighbours and distances to
the bit, and faiss the same neighbours, is asserted.

`--approximate` also searches inverted lists, as `modules.gram.index: approximate` does, and tells which share of the
exact neighbours they find; they pay past a million windows.

Needs `pip install -e .[retrieval]`.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import torch

from motor.retrieval.approximate import ApproximateSearch
from motor.retrieval.keys import KEYS
from motor.retrieval.search import ExactSearch, Neighbours

N_MOTORS, N_QUERIES = 50, 64
GOAL_MS, GOAL_RATIO = 1.0, 3.0


def noisy_tones(n_windows: int, length: int) -> torch.Tensor:
    """Return windows of a tone each, of any phase and frequency, in noise: shape (n_windows, length)."""
    generator = np.random.default_rng(0)
    phase = generator.uniform(0, 2 * np.pi, (n_windows, 1))
    tone = np.sin(generator.uniform(0.05, 1.2, (n_windows, 1)) * np.arange(length) + phase)
    return torch.from_numpy((tone + 0.5 * generator.normal(size=tone.shape)).astype(np.float32))


def cpu_ms(work: Callable[[], object]) -> float:
    """Return the CPU time that a piece of work takes, in milliseconds a query."""
    began = time.process_time()
    work()
    return (time.process_time() - began) / N_QUERIES * 1e3


def in_batches(search: ExactSearch, queries: torch.Tensor, motors: np.ndarray, k: int, size: int) -> tuple[bytes, ...]:
    """Return the bytes of what a search finds, so many queries at once."""
    parts = [slice(first, first + size) for first in range(0, N_QUERIES, size)]
    found: list[Neighbours] = [search.nearest(queries[part], k, motors[part]) for part in parts]
    return tuple(np.concatenate(values).tobytes() for values in zip(*found, strict=True))


def same_for_any_batch(search: ExactSearch, queries: torch.Tensor, motors: np.ndarray, k: int) -> bool:
    """Tell whether batches and threads change no bit."""
    found = []
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        found += [in_batches(search, queries, motors, k, size) for size in (1, 7, N_QUERIES)]
    torch.set_num_threads(1)
    return all(each == found[0] for each in found)


def without_own(index: Any, queries: np.ndarray, k: int, motors: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the places that a flat index finds where each query's own motor, one range of its keys, is left out."""
    import faiss

    found = np.empty((len(queries), k), dtype=np.int64)
    for motor in np.unique(own.astype(str)):
        (places,) = np.nonzero(motors == motor)
        selector = faiss.IDSelectorNot(faiss.IDSelectorRange(int(places[0]), int(places[-1]) + 1))
        rows = own == motor
        found[rows] = index.search(queries[rows], k, params=faiss.SearchParameters(sel=selector))[1]
    return found


def main() -> None:
    import faiss

    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("windows", 100_000), ("length", 64), ("k", 10), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--approximate", action="store_true")
    asked = parser.parse_args()
    keys = KEYS["shape"](noisy_tones(asked.windows, asked.length), asked.length)
    motors = np.array([f"m{number * N_MOTORS // asked.windows}" for number in range(asked.windows)], dtype=object)
    chosen = np.linspace(0, asked.windows - 1, N_QUERIES).astype(int)
    queries, own, plain = keys[chosen], motors[chosen], keys[chosen].numpy()
    search, index = ExactSearch(keys, motors), faiss.IndexFlatL2(asked.length)
    index.add(keys.numpy())
    if not same_for_any_batch(search, queries, own, asked.k):
        raise SystemExit("batches or threads change the neighbours")
    faiss.omp_set_num_threads(1)
    theirs = without_own(index, plain, asked.k, motors, own)
    if not (theirs == search.nearest(queries, asked.k, own).place_QK).all():
        raise SystemExit("faiss finds other neighbours")
    ways: tuple[Callable[[], object], ...] = (
        lambda: search.nearest(queries, asked.k, own),
        lambda: index.search(plain, asked.k),
        lambda: without_own(index, plain, asked.k, motors, own),
    )
    times = np.array([[cpu_ms(way) for way in ways] for _ in range(asked.rounds)])
    own_ms, flat_ms, masked_ms = np.median(times, axis=0)
    ratio, masked_ratio = np.median(times[:, 1:] / times[:, :1], axis=0)
    print(f"{asked.windows} windows of {asked.length}, {asked.k} neighbours, {N_QUERIES} queries at once, one thread")
    print(f"exact, own motor left out   {own_ms:6.2f} ms a query   goal: at most {GOAL_MS}")
    for name, took_ms, times_as_long in (("nothing", flat_ms, ratio), ("own motor", masked_ms, masked_ratio)):
        goal = f"{times_as_long:.1f} times as long; goal: {GOAL_RATIO}"
        print(f"faiss {faiss.__version__} IndexFlatL2, {name} left out {took_ms:6.2f} ms a query   {goal}")
    print("batches of 1, 7, 64 and 1 or 2 threads: the same bits")
    row = {"name": "retrieval", "ratio": round(ratio, 2), "goal": GOAL_RATIO, "against": "faiss IndexFlatL2"}
    row |= {"ratio_own_motor_left_out": round(masked_ratio, 2)}
    row |= {"ms_a_query": round(own_ms, 3), "goal_ms": GOAL_MS, "same_bits": True}
    if asked.approximate:
        row |= of_lists(ApproximateSearch(keys, motors), search, queries, own, asked.k)
        print(f"inverted lists              {row['lists_ms']:6.2f} ms a query   {row['lists_recall']:.0%} found")
    print(json.dumps(row))


def of_lists(
    lists: ApproximateSearch, search: ExactSearch, queries: torch.Tensor, motors: np.ndarray, k: int
) -> dict[str, float]:
    """Return what a query of inverted lists takes, and the share of the exact neighbours that they find."""
    pairs = zip(lists.nearest(queries, k, motors).place_QK, search.nearest(queries, k, motors).place_QK, strict=True)
    recall = np.mean([len(np.intersect1d(found, exact)) / k for found, exact in pairs])
    took_ms = cpu_ms(lambda: lists.nearest(queries, k, motors))
    return {"lists_ms": round(took_ms, 3), "lists_recall": round(float(recall), 3)}


if __name__ == "__main__":
    main()
