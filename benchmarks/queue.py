"""Light stages a second that one driver hands out and records, its workers simulated.

    python -m benchmarks.queue [--stages 20000] [--slots 16 256 4096]
    python -m benchmarks.queue --scale STORAGE [--cells 200000] [--nodes 1 10 100 1000] [--cpus 16] [--failures 0.01]

`--scale` simulates a whole launch: how long stages take is drawn from those that a storage has built, so many are lost
with their workers and tried again; the queue and its order are the real ones.

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
from typing import Any, ClassVar

import numpy as np

from grid.plan.plan import Cell, Plan, make_plan
from grid.run.conductor import Conductor
from grid.run.queue import Queue
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


@dataclass(frozen=True)
class Step(Stage):
    """A stage of a kind that a storage has built."""

    KIND: ClassVar[str] = "step"

    of: str
    number: int
    made_from: tuple[Stage, ...] = ()


def grid_of(n_cells: int) -> list[Cell]:
    """Return cells in the proportions of a real grid: four classifiers on each features, five fine-tunes on six."""
    finetunes = [Step("finetune", n) for n in range(max(1, n_cells * 5 // 24))]
    features = [Step("features", n, (finetunes[n % len(finetunes)],)) for n in range(max(1, n_cells // 4))]
    return [Cell({"n": n}, Step("classify", n, (features[n // 4 % len(features)],))) for n in range(n_cells)]


def built_times(storage: Path) -> dict[str, np.ndarray]:
    """Return how many seconds the stages of a storage took, by kind."""
    found: dict[str, list[float]] = {}
    for file in storage.glob("*/*/provenance.json"):
        found.setdefault(file.parent.parent.name, []).append(json.loads(file.read_text(encoding="utf-8"))["seconds"])
    return {kind: np.array(times) for kind, times in found.items()}


def simulated(plan: Plan, times: dict[str, np.ndarray], n_cpus: int, failures: float) -> tuple[float, float]:
    """Return how long a launch takes in simulated seconds, and the share of its CPUs that works."""
    generator = np.random.default_rng(0)
    drawn = {kind: iter(generator.choice(of_kind, 2 * len(plan.missing))) for kind, of_kind in times.items()}
    lost = iter(generator.random(2 * len(plan.missing)) < failures)
    queue = Queue(plan, dict.fromkeys(plan.missing, Resources()))
    ends: list[tuple[float, str, bool]] = []
    now = worked = 0.0
    while not queue.is_empty() or ends:
        while (key := queue.take({"CPU": float(n_cpus)})) is not None:
            stage: Any = plan.missing[key]
            took, is_lost = float(next(drawn[stage.of])), bool(next(lost))
            heapq.heappush(ends, (now + took * (0.5 if is_lost else 1.0), key, is_lost))
            worked += 0.0 if is_lost else took
        now, key, is_lost = heapq.heappop(ends)
        (queue.put_back if is_lost else queue.built)(key)
    return now, worked / (now * n_cpus)


def scale(storage: Path, n_cells: int, nodes: list[int], cpus: int, failures: float) -> dict[str, Any]:
    """Print how long a grid takes on some numbers of nodes."""
    times = built_times(storage)
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(grid_of(n_cells), Store(Path(folder)))
    print(f"{n_cells} cells, {len(plan.missing)} stages, {failures:.0%} of them lost once")
    print("| nodes | CPUs | hours | of the CPUs at work | stages a second |\n|---:|---:|---:|---:|---:|")
    hours = {}
    for n_nodes in nodes:
        seconds, share = simulated(plan, times, n_nodes * cpus, failures)
        hours[n_nodes] = round(seconds / 3600, 3)
        cells = [
            n_nodes,
            n_nodes * cpus,
            f"{seconds / 3600:,.2f}",
            f"{share:.1%}",
            f"{len(plan.missing) / seconds:,.1f}",
        ]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    return {"name": "queue --scale", "hours": hours}


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=20000)
    parser.add_argument("--slots", type=int, nargs="+", default=[16, 256, 4096])
    parser.add_argument("--scale", type=Path, metavar="STORAGE")
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--cpus", type=int, default=16, help="of a node")
    parser.add_argument("--failures", type=float, default=0.01, help="share of stages whose worker is lost")
    arguments = parser.parse_args()
    if arguments.scale:
        given = arguments.cells, arguments.nodes, arguments.cpus, arguments.failures
        print(json.dumps(scale(arguments.scale, *given)))
    else:
        print(json.dumps(light(arguments.stages, arguments.slots)))


def light(n_stages: int, slots: list[int]) -> dict[str, Any]:
    """Print how many light stages a second one driver hands out with some numbers of slots."""
    lasts = [Last(tuple(Light(10 * n + part) for part in range(10))) for n in range(n_stages // 11)]
    rates = {}
    print("| slots | stages | stages/s of the driver | goal |\n|---|---|---|---|")
    for n_slots in slots:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder))
            plan = make_plan([Cell({"n": n}, last) for n, last in enumerate(lasts)], store)
            rates[n_slots] = run_through(plan, store, n_slots)
        print(f"| {n_slots} | {len(plan.missing)} | {rates[n_slots]:,.0f} | {GOAL:,.0f} |", flush=True)
    against = "1000 light stages a second handed out and recorded by one driver, with simulated workers"
    ratio = round(min(rates.values()) / GOAL, 3)
    return {"name": "queue", "ratio": ratio, "goal": 1.0, "against": against, "rates": rates}


if __name__ == "__main__":
    main()
