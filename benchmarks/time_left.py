"""The time left that the screen tells over a simulated launch, beside the truth, every 15 s of its second half.

    python -m benchmarks.time_left [--launches 20] [--spread 0.3] [--config configs/quickstart.yaml]

Plan, queue and screen are the real ones; workers and clock are simulated. Stages of one sort take unequally long: by
the middle times below, times the length of their context, times a log-normal number of that spread. Fine-tunes tell
their steps, as real ones do.

Before it was run: 0.9.
"""

import argparse
import io
import json
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from grid.plan.plan import Plan, make_plan
from grid.run.queue import Queue
from grid.screen import progress as screen
from grid.screen.progress import Progress
from grid.stage import Resources, Stage
from grid.store.store import Store
from motor.experiment.cells import make_cells
from motor.experiment.reading import read_experiment

GOAL = 0.9
LOG_S = 15.0
MIDDLE_S = {"recordings": 45.0, "prepare": 18.0, "audit": 24.0, "finetune": 120.0, "features": 18.0}
JUDGE_S = {"extra_trees": 60.0, "mlp": 15.0, "lightgbm": 12.0, "svm": 4.5, "logistic_regression": 4.5}
LIGHT_S = 4.0  # of all others
GRIDS = {
    "50 stages, as it is": ("axes.domain=[Joint,ShengYing]", "axes.classifier=[lightgbm,svm]"),
    "one domain": ("axes.domain=[Joint]",),
    "extra trees among them": ("axes.domain=[Joint]", "axes.classifier=[lightgbm,extra_trees,lda]"),
    "all": (),
}


def middle_s(stage: Stage) -> float:
    """Return how long such stages take in the middle."""
    context = getattr(stage, "context_length", 512) / 512
    if stage.KIND == "classify":
        return JUDGE_S.get(stage.classifier.kind, LIGHT_S)  # type: ignore[attr-defined]
    is_passed = stage.KIND in ("finetune", "features")
    is_trained = getattr(stage, "is_trained", True)
    return MIDDLE_S.get(stage.KIND, LIGHT_S) * (context if is_passed else 1.0) * (1.0 if is_trained else 0.1)


@dataclass
class Launch:
    """A launch in simulated time.

    Attributes
    ----------
    logged : list of tuple of float
        Every 15 s: the time left as it was told, and when.
    """

    plan: Plan
    generator: np.random.Generator
    spread: float
    now: float = 0.0
    ends: dict[str, float] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    logged: list[tuple[float, float]] = field(default_factory=list)

    def run(self, n_cpus: int) -> "Launch":
        """Build all stages on so many CPUs, one each."""
        with mock.patch.object(screen.time, "monotonic", self.clock):
            progress = Progress(self.plan, io.StringIO(), "")
            queue = Queue(self.plan, dict.fromkeys(self.plan.missing, Resources()))
            while not queue.is_empty() or self.ends:
                while (key := queue.take({"CPU": n_cpus})) is not None:
                    self._start(key, progress)
                first = min(self.ends, key=lambda key: self.ends[key])
                self._wait(self.ends[first], progress)
                self.now = self.ends.pop(first)
                progress.finish(first)
                queue.built(first)
        return self

    def clock(self) -> float:
        """Return what the screen takes for the time."""
        return self.now

    def _start(self, key: str, progress: Progress) -> None:
        progress.start(key)
        progress.running[key].began = self.now
        factor = self.generator.lognormal(-(self.spread**2) / 2, self.spread)
        self.took[key] = middle_s(self.plan.stages[key]) * factor
        self.ends[key] = self.now + self.took[key]

    def _wait(self, until: float, progress: Progress) -> None:
        while (at := LOG_S * (len(self.logged) + 1)) < until:
            self.now = at
            for key in self.ends:
                if self.plan.stages[key].KIND == "finetune":
                    step = int(1000 * (1 - (self.ends[key] - at) / self.took[key]))
                    progress.running[key].tell({"step": step, "of": 1000}, "")
            told = progress.seconds_left()
            self.logged.append((told[0] if told else float("nan"), at))

    def share(self) -> float:
        """Return in how much of the second half the time told was within a factor of 2 of the truth."""
        of_half = self.logged[len(self.logged) // 2 :]
        return statistics.mean(0.5 <= told / (self.now - at) <= 2 for told, at in of_half)

    def is_ever_zero(self) -> bool:
        """Tell whether nothing was said to be left before the end."""
        return any(told <= 0 for told, _ in self.logged)


def main() -> None:
    """Print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launches", type=int, default=20)
    parser.add_argument("--spread", type=float, default=0.3)
    parser.add_argument("--config", type=Path, default=Path("configs/quickstart.yaml"))
    arguments = parser.parse_args()
    print("| grid | stages | CPUs | told within a factor of 2 | at worst | ever zero |")
    print("|---|---|---|---|---|---|")
    shares: list[float] = []
    with tempfile.TemporaryDirectory() as storage:
        for name, overrides in GRIDS.items():
            read = read_experiment(arguments.config, list(overrides), {})
            plan = make_plan(make_cells(read, Path(storage), dry_run=True), Store(Path(storage)))
            for n_cpus in (2, 8):
                shares += row(name, plan, n_cpus, arguments)
    summary: dict[str, Any] = {"name": "time_left", "ratio": round(statistics.mean(shares), 3), "goal": GOAL}
    print(json.dumps(summary | {"against": "the truth, over the second half of each launch", "worst": min(shares)}))


def row(name: str, plan: Plan, n_cpus: int, arguments: argparse.Namespace) -> list[float]:
    """Simulate launches of a plan, print what came, and return their shares."""
    seeds = range(arguments.launches)
    done = [Launch(plan, np.random.default_rng(seed), arguments.spread).run(n_cpus) for seed in seeds]
    shares = [launch.share() for launch in done]
    zero = sum(launch.is_ever_zero() for launch in done)
    cells = [
        name,
        str(len(plan.missing)),
        str(n_cpus),
        f"{statistics.mean(shares):.2f}",
        f"{min(shares):.2f}",
        str(zero),
    ]
    print("| " + " | ".join(cells) + " |", flush=True)
    return shares


if __name__ == "__main__":
    main()
