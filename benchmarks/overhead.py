"""What Ray costs a stage: the same stages under one Tune experiment, and bare in two processes, in one run.

    python -m benchmarks.overhead [--light 24] [--finetunes 6] [--work-seconds 0.5]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from grid.plan import Cell, make_plan
from grid.run import BuildContext, build_stage, run
from grid.stage import Context, Resources, Stage, beside
from grid.store import Store, write_json

SLOTS = 2  # stages at once, under Ray and bare
ALLOWED_S = {"light": 1.0, "finetune": 15.0}  # overhead a stage
REPORTS = 20  # of a fine-tune


@dataclass(frozen=True)
class Light(Stage):
    """Some CPU work, as a classifier is."""

    KIND: ClassVar[str] = "light"

    number: int
    inputs_: tuple[Stage, ...] = ()
    work_seconds: float = beside(default=0.5)

    def build(self, folder: Path, context: Context) -> None:
        write_json(folder / "result.json", work(self.work_seconds))


@dataclass(frozen=True)
class Finetune(Light):
    """The same work in steps, reported, within Ray Train as the project's fine-tunes are."""

    KIND: ClassVar[str] = "finetune"

    def build(self, folder: Path, context: Context) -> None:
        write_json(folder / "result.json", in_ray_train(lambda: self._loop(context)))

    def _loop(self, context: Context) -> list[dict[str, float]]:
        rows = []
        for step in range(REPORTS):
            rows.append({"step": float(step), "value": work(self.work_seconds / REPORTS)})
            context.report(**rows[-1])
        return rows


@dataclass(frozen=True)
class BareFinetune(Finetune):
    """A fine-tune without Ray Train."""

    def build(self, folder: Path, context: Context) -> None:
        write_json(folder / "result.json", self._loop(context))


def in_ray_train(loop: Callable[[], list[dict[str, float]]]) -> list[dict[str, float]]:
    """Run a loop as `motor.stages.finetune` does."""
    from motor.stages.finetune import in_ray_train

    return in_ray_train(loop, "cpu")


def work(seconds: float) -> float:
    """Burn CPU time: an amount of work, not of wall time, so that whoever else uses the core shows."""
    end, total = time.thread_time() + seconds, 0.0
    while time.thread_time() < end:
        total += float(np.sqrt(np.arange(1000.0)).sum())
    return total


@dataclass
class Row:
    """What one run of stages took."""

    kind: str
    n_stages: int
    ray_s: float
    bare_s: float
    launch_s: float = field(default=0.0)  # starting and stopping Ray, once a launch

    @property
    def overhead_s(self) -> float:
        """Seconds that a slot is held beyond the bare work, a stage."""
        return (self.ray_s - self.bare_s) * SLOTS / self.n_stages


def measure(kind: str, stages: list[Stage], bare: list[Stage]) -> Row:
    """Run stages under Ray, then their bare twins in a warm pool of as many processes."""
    with tempfile.TemporaryDirectory() as folder:
        launch_s, ray_s = under_ray(stages, Store(Path(folder, "ray")))
        bare_s = in_pool(bare, Store(Path(folder, "bare")))
    return Row(kind, len(stages), ray_s, bare_s, launch_s)


def under_ray(stages: list[Stage], store: Store) -> tuple[float, float]:
    """Return the seconds of starting and stopping Ray, and from the first stage's start to the last one's end.

    The first `SLOTS` stages warm up: their actors start and import in that time, which is a launch's cost.
    """
    plan = make_plan([Cell({"number": stage.key}, stage) for stage in stages], store)
    began = time.time()
    outcome = run(plan, store, {stage.key: Resources() for stage in stages})
    took = time.time() - began
    assert not outcome.failures, outcome.failures
    ends = sorted((store.folder(stage) / "record.json").stat().st_mtime for stage in stages)
    first = min(json.loads((store.folder(s) / "provenance.json").read_text())["began"] for s in stages)
    return took - (ends[-1] - first), ends[-1] - first


def in_pool(stages: Iterable[Stage], store: Store) -> float:
    """Return the seconds that bare processes take, once they are warm."""
    with ProcessPoolExecutor(SLOTS, mp_context=get_context("spawn")) as pool:
        list(pool.map(work, [0.2] * SLOTS * 2))
        began = time.time()
        list(pool.map(_build, stages, [store] * 10_000))
        return time.time() - began


def _build(stage: Stage, store: Store) -> None:
    build_stage(stage, store, BuildContext(store, stage, Resources(), _untold))


def _untold(progress: dict[str, float]) -> None:
    """Nobody listens."""


def report(rows: list[Row]) -> dict[str, Any]:
    """Print the table; return what the last line says."""
    print("| stage | stages | Ray, s | bare, s | overhead a stage, s | allowed, s | start and stop of Ray, s |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        numbers = f"{row.ray_s:.2f} | {row.bare_s:.2f} | {row.overhead_s:.2f} | {ALLOWED_S[row.kind]:g}"
        print(f"| {row.kind} | {row.n_stages} | {numbers} | {row.launch_s:.1f} |")
    allowed = sum(row.bare_s + ALLOWED_S[row.kind] * row.n_stages / SLOTS for row in rows)
    bare = sum(row.bare_s for row in rows)
    return {
        "name": "overhead",
        "ratio": round(sum(row.ray_s for row in rows) / bare, 3),
        "goal": round(allowed / bare, 3),  # at most
        "against": f"the same stages in a warm pool of {SLOTS} processes, without Ray",
        "seconds_a_stage": {row.kind: round(row.overhead_s, 3) for row in rows},
    }


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--light", type=int, default=24)
    parser.add_argument("--finetunes", type=int, default=6)
    parser.add_argument("--work-seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    light: list[Stage] = [Light(n, work_seconds=arguments.work_seconds) for n in range(arguments.light)]
    heavy = {"work_seconds": 4 * arguments.work_seconds}
    finetunes: list[Stage] = [Finetune(n, **heavy) for n in range(arguments.finetunes)]
    bare: list[Stage] = [BareFinetune(n, **heavy) for n in range(arguments.finetunes)]
    rows = [measure("light", light, light), measure("finetune", finetunes, bare)]
    print(json.dumps(report(rows)))


if __name__ == "__main__":
    main()
