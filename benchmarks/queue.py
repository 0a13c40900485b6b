"""Light stages a second that one driver hands out and records, its workers simulated.

    python -m benchmarks.queue [--stages 20000] [--slots 16 256 4096]

What is real: the plan, the queue, the books of a launch (`Conductor`: does the stage stand, does another launch hold
it), its screen into a file, and the storage on disk. What is simulated: Ray and the workers, which take a second each
of simulated time and whose stage is written by nobody. Measured is the driver's CPU time.

Before it was run: 1000 with 16 slots, 100 with 4096, since each hand-out summed up what runs.
"""

import argparse
import heapq
import io
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.plan.plan import Cell, Plan, make_plan
from grid.run.conductor import Conductor
from grid.screen.progress import Progress
from grid.stage import Resources, Stage
from grid.store.store import Store

GOAL = 1000.0


@dataclass(frozen=True)
class Light(Stage):
    """A stage of one CPU."""

    KIND: ClassVar[str] = "light"

    number: int


@dataclass(frozen=True)
class Last(Stage):
    """What is made from ten of them."""

    KIND: ClassVar[str] = "last"

    parts: tuple[Stage, ...]


def run_through(plan: Plan, store: Store, n_slots: int) -> float:
    """Run a plan on so many simulated CPUs, and return the stages that a second of the driver's CPU time handed out."""
    asked = dict.fromkeys(plan.missing, Resources())
    conductor = Conductor(plan, store, asked, Progress(plan, io.StringIO(), "queue.log"))
    ends: list[tuple[float, str]] = []
    began, now = time.process_time(), 0.0
    while not conductor.is_done():
        while (key := conductor.next({"CPU": float(n_slots)})) is not None:
            conductor.progress.start(key)
            heapq.heappush(ends, (now + 1.0, key))
        now, key = heapq.heappop(ends)
        conductor.built(key)
    return len(plan.missing) / (time.process_time() - began)


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=20000)
    parser.add_argument("--slots", type=int, nargs="+", default=[16, 256, 4096])
    arguments = parser.parse_args()
    lasts = [Last(tuple(Light(10 * n + part) for part in range(10))) for n in range(arguments.stages // 11)]
    rates = {}
    print("| slots | stages | stages/s of the driver | goal |\n|---|---|---|---|")
    for n_slots in arguments.slots:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            plan = make_plan([Cell({"n": n}, last) for n, last in enumerate(lasts)], store)
            rates[n_slots] = run_through(plan, store, n_slots)
        print(f"| {n_slots} | {len(plan.missing)} | {rates[n_slots]:,.0f} | {GOAL:,.0f} |", flush=True)
    ratio = min(rates.values()) / GOAL
    against = "1000 light stages a second handed out and recorded by one driver, with simulated workers"
    print(json.dumps({"name": "queue", "ratio": round(ratio, 3), "goal": 1.0, "against": against, "rates": rates}))


if __name__ == "__main__":
    main()
