"""What Ray costs a stage: the same stages under one Tune experiment, and bare in as many processes, in one run.

    python -m benchmarks.overhead [--light 24] [--finetunes 8] [--work-seconds 0.5]

A light stage is some CPU work; a fine-tune is four times that, in steps that are reported, within Ray Train.
Starting and stopping Ray, which a launch pays once, stands in a column of its own.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import ClassVar

# One thread a process, so that two stages do not fight over two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from grid.plan.plan import Cell, make_plan
from grid.run.run import BuildContext, build_stage, run
from grid.stage import Context, Resources, Stage, beside
from grid.store.store import Store, write_json

SLOTS = 2  # stages at once, under Ray and bare
ALLOWED_S = {"light": 1.0, "finetune": 15.0}  # a stage, beyond its work
REPORTS = 20  # of a fine-tune
WARM_UP_S = 3.0


@dataclass(frozen=True)
class Light(Stage):
    """Some CPU work, as a classifier is."""

    KIND: ClassVar[str] = "light"

    number: int
    after: tuple[Stage, ...] = ()
    seconds: float = beside(default=0.5)

    def build(self, folder: Path, context: Context) -> None:
        began = time.time()
        self.compute(context)
        write_json(folder / "result.json", {"began": began, "ended": time.time()})

    def compute(self, context: Context) -> None:
        work(self.seconds)


@dataclass(frozen=True)
class Finetune(Light):
    """Work in steps that are reported."""

    KIND: ClassVar[str] = "finetune"

    def compute(self, context: Context) -> None:
        self.loop(context)

    def loop(self, context: Context) -> list[dict[str, float]]:
        rows: list[dict[str, float]] = []
        for step in range(REPORTS):
            work(self.seconds / REPORTS)
            rows.append({"step": float(step)})
            context.report(**rows[-1])
        return rows


@dataclass(frozen=True)
class RayFinetune(Finetune):
    """The same within Ray Train, as the project's fine-tunes are."""

    def compute(self, context: Context) -> None:
        from motor.stages.finetune import in_ray_train

        in_ray_train(partial(self.loop, context), "cpu")


def work(seconds: float) -> float:
    """Burn CPU time: an amount of work, so that whoever takes the core away shows."""
    end, total = time.thread_time() + seconds, 0.0
    while time.thread_time() < end:
        total += float(np.sqrt(np.arange(1000.0)).sum())
    return total


@dataclass(frozen=True)
class Row:
    """What some stages of one kind took, in seconds."""

    kind: str
    n_stages: int
    ray_s: float
    bare_s: float
    launch_s: float

    @property
    def overhead_s(self) -> float:
        """For how long a slot is held beyond the bare work, a stage."""
        return (self.ray_s - self.bare_s) * SLOTS / self.n_stages

    @property
    def allowed_s(self) -> float:
        """What all of it may take."""
        return self.bare_s + ALLOWED_S[self.kind] * self.n_stages / SLOTS


def measure(ray_class: type[Light], bare_class: type[Light], n_stages: int, seconds: float) -> Row:
    """Run stages under Ray, and their bare twins before and after (others use the machine too), in warm processes."""
    warm_ups = tuple(ray_class(-1 - slot, seconds=WARM_UP_S) for slot in range(SLOTS))
    stages = [ray_class(number, warm_ups, seconds=seconds) for number in range(n_stages)]
    twins = [bare_class(number, seconds=seconds) for number in range(n_stages)]
    with tempfile.TemporaryDirectory() as folder:
        before_s = in_pool(twins, Store(Path(folder, "before")))
        launch_s, ray_s = under_ray(stages, Store(Path(folder, "ray")))
        after_s = in_pool(twins, Store(Path(folder, "after")))
    return Row(ray_class.KIND, n_stages, ray_s, (before_s + after_s) / 2, launch_s)


def under_ray(stages: Sequence[Stage], store: Store) -> tuple[float, float]:
    """Return the seconds around the stages (Ray's start, warming up, Ray's stop) and the stages' own."""
    plan = make_plan([Cell({"stage": stage.key}, stage) for stage in stages], store)
    began = time.time()
    with Path(os.devnull).open("w") as nowhere:
        outcome = run(
            plan, store, dict.fromkeys(plan.stages, Resources((os.cpu_count() or SLOTS) / SLOTS)), stream=nowhere
        )
    took = time.time() - began
    if outcome.failures:
        raise RuntimeError(next(iter(outcome.failures.values())).cause)
    stages_s = span(stages, store)
    return took - stages_s, stages_s


def in_pool(stages: Sequence[Stage], store: Store) -> float:
    """Return the seconds that the stages take in warm processes without Ray."""
    with ProcessPoolExecutor(SLOTS, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, [WARM_UP_S] * SLOTS))
        list(pool.map(partial(build_bare, store=store), stages))
    return span(stages, store)


def build_bare(stage: Stage, store: Store) -> None:
    """Build a stage here; nobody listens to its reports."""
    build_stage(stage, store, BuildContext(store, stage, Resources(), lambda progress: None))


def span(stages: Sequence[Stage], store: Store) -> float:
    """Return the seconds from the first stage's start to the last one's end."""
    results = [json.loads((store.folder(stage) / "result.json").read_text()) for stage in stages]
    return max(result["ended"] for result in results) - min(result["began"] for result in results)


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--light", type=int, default=24)
    parser.add_argument("--finetunes", type=int, default=8)
    parser.add_argument("--work-seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    rows = [
        measure(Light, Light, arguments.light, arguments.work_seconds),
        measure(RayFinetune, Finetune, arguments.finetunes, 4 * arguments.work_seconds),
    ]
    print("| stage | stages | Ray, s | bare, s | overhead a stage, s | allowed, s | start and stop of Ray, s |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        numbers = f"{row.ray_s:.2f} | {row.bare_s:.2f} | {row.overhead_s:.2f} | {ALLOWED_S[row.kind]:g}"
        print(f"| {row.kind} | {row.n_stages} | {numbers} | {row.launch_s:.1f} |")
    bare_s = sum(row.bare_s for row in rows)
    result = {
        "name": "overhead",
        "ratio": round(sum(row.ray_s for row in rows) / bare_s, 3),
        "goal": round(sum(row.allowed_s for row in rows) / bare_s, 3),
        "against": f"the same stages in {SLOTS} warm processes without Ray; the ratio may be at most the goal",
        "overhead_s": {row.kind: round(row.overhead_s, 3) for row in rows},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
