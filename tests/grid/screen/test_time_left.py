"""The time left over a simulated launch, without Ray: stages of unequal length on two workers."""

import io
from types import ModuleType

import numpy as np
import pytest

from grid.plan.plan import Cell, Plan, make_plan
from grid.run.queue import Queue
from grid.screen import progress as screen
from grid.screen.progress import Progress
from grid.stage import Resources
from grid.store.store import Store

MEAN_S = {"number": 20.0, "sum": 150.0, "square": 60.0}
SPREAD = 0.5  # of the logarithm: one stage in six takes 1.6 times as long as the middle one, or longer
LOG_S = 15.0


def launched(plan: Plan, monkeypatch: pytest.MonkeyPatch, seed: int, n_workers: int = 2) -> list[tuple[float, float]]:
    """Run a plan in simulated time, and return the time left, as estimated and as it was, every 15 s."""
    generator = np.random.default_rng(seed)
    now, logged = 0.0, []
    monkeypatch.setattr(screen.time, "monotonic", lambda: now)
    progress, next_log = Progress(plan, io.StringIO(), "ray.log"), LOG_S
    queue = Queue(plan, dict.fromkeys(plan.missing, Resources()))
    ends: dict[str, float] = {}
    while len(progress.done) < len(plan.missing):
        while (key := queue.take({"CPU": n_workers})) is not None:
            progress.start(key)
            progress.running[key].began = now
            ends[key] = now + MEAN_S[plan.stages[key].KIND] * generator.lognormal(-(SPREAD**2) / 2, SPREAD)
        first = min(ends, key=lambda key: ends[key])
        while next_log < ends[first]:
            now = next_log
            estimate = progress.seconds_left()
            logged.append((estimate[0] if estimate else float("nan"), now))
            next_log += LOG_S
        now = ends.pop(first)
        progress.finish(first)
        queue.built(first)
    return [(estimate, now - at) for estimate, at in logged]


def test_time_left_of_fifty_unequal_stages_is_within_a_factor_of_two(
    store: Store, toy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = [toy.Sum((toy.Number(2 * n), toy.Number(2 * n + 1))) for n in range(12)]
    cells = [Cell({"end": n}, toy.Square(total)) for n, total in enumerate(sums)]
    plan = make_plan([*cells, Cell({"end": "a"}, toy.Number(99)), Cell({"end": "b"}, toy.Number(98))], store)
    assert len(plan.missing) == 50
    shares = []
    for seed in range(20):
        logged = launched(plan, monkeypatch, seed)
        second_half = logged[len(logged) // 2 :]
        shares.append(np.mean([0.5 <= estimate / truth <= 2 for estimate, truth in second_half]))
        assert all(estimate >= 1 for estimate, _ in second_half)
    assert np.mean(shares) >= 0.9
    assert min(shares) >= 0.7  # a last stage of three times the mean is told by nothing


def test_time_left_of_a_last_stage_that_outlasts_all_others_does_not_reach_zero(
    store: Store, toy: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan([Cell({"end": n}, toy.Number(n)) for n in range(2)], store)
    now = 0.0
    monkeypatch.setattr(screen.time, "monotonic", lambda: now)
    progress = Progress(plan, io.StringIO(), "ray.log")
    first, last = plan.missing
    progress.start(first)
    progress.running[first].began = now
    now = 10.0
    progress.finish(first)
    progress.start(last)
    progress.running[last].began = now
    for now in range(10, 1000, 10):  # noqa: B007 - the clock reads it
        estimate = progress.seconds_left()
        assert estimate is not None
        assert estimate[0] >= 1
    progress.finish(last)
    assert progress.seconds_left() == (0.0, True)
