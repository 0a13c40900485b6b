"""Toy stages, and a program that runs small grids of them.

Run as a program its classes are of `__main__`, so Ray pickles them by value; workers could not import this file.

    python toy_grid.py GRID ROOT
"""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.plan.plan import Cell, make_plan
from grid.run.run import run
from grid.stage import Context, InputError, Resources, Stage, after, beside
from grid.store.store import Store, write_json

CPUS = float(min(2, os.cpu_count() or 1))  # the largest stage
STRANGE_LABEL = "[/bold] :key: 声音 a/b"


@dataclass(frozen=True)
class Number(Stage):
    """A leaf that takes its time, or one that waits for others."""

    KIND: ClassVar[str] = "number"

    value: int
    seconds: float = beside(default=0.0)
    behind: tuple[Stage, ...] = after(default=())

    def label(self) -> str:
        return f"number{self.value}"

    def build(self, folder: Path, context: Context) -> None:
        context.report(value=self.value)
        time.sleep(self.seconds)
        write_json(folder / "value.json", self.value)
        write_json(folder / "process.json", os.getpid())


@dataclass(frozen=True)
class Sum(Stage):
    """A stage with many inputs."""

    KIND: ClassVar[str] = "sum"

    parts: tuple[Stage, ...]
    seconds: float = beside(default=0.0)

    def build(self, folder: Path, context: Context) -> None:
        time.sleep(self.seconds)
        write_json(folder / "value.json", sum(read(context.folder(part)) for part in self.parts))


@dataclass(frozen=True)
class Square(Stage):
    """The end of a cell."""

    KIND: ClassVar[str] = "square"

    of: Stage

    def label(self) -> str:
        return STRANGE_LABEL

    def build(self, folder: Path, context: Context) -> None:
        print("squared by Python", flush=True)
        os.system("echo squared by a child")
        write_json(folder / "value.json", read(context.folder(self.of)) ** 2)


@dataclass(frozen=True)
class Faulty(Stage):
    """A stage that fails in one of many ways."""

    KIND: ClassVar[str] = "faulty"

    how: str

    def label(self) -> str:
        return self.how

    def build(self, folder: Path, context: Context) -> None:
        (folder / "half.txt").write_text("half")
        if self.how == "data":
            raise InputError("motor_07.csv, line 3: [/raw] is 'NaN'")
        if self.how == "unpicklable":
            raise UnpicklableError("one", lambda: "two")
        if self.how == "exit":
            sys.exit("leaving")
        if self.how == "memory":
            hold_memory()
        os.kill(os.getpid(), signal.SIGKILL)


def hold_memory() -> None:
    """Take ever more memory, until Ray ends this process."""
    held = []
    for _ in range(150):
        held.append(b"1" * (40 << 20))
        time.sleep(0.05)
    time.sleep(10)


class UnpicklableError(Exception):
    """It holds a function, and cannot be made from its message alone."""

    def __init__(self, text: str, function: object) -> None:
        super().__init__(f"{text} fault", function)
        self.function = function

    def __str__(self) -> str:
        return "one fault"


def read(folder: Path) -> int:
    """Return the value that a built stage holds."""
    return json.loads((folder / "value.json").read_text())


def mixed() -> list[Cell]:
    """Four kinds, a failure with descendants, a worker that dies; sizes differ."""
    total = Sum(tuple(Number(n, seconds=0.7) for n in range(6)))
    broken = Sum((Number(0), Faulty("data")))
    ends = [Square(total), Square(broken), Faulty("killed")]
    return [Cell({"end": number}, stage) for number, stage in enumerate(ends)]


def slow() -> list[Cell]:
    """Leaves that are shorter than a worker's start, and their sum."""
    return [Cell({"end": 0}, Sum(tuple(Number(n, seconds=0.7) for n in range(10))))]


def large() -> list[Cell]:
    """A stage that no node of this machine can hold, and one that any can."""
    return [Cell({"end": 0}, Number(0)), Cell({"end": 1}, Faulty("large"))]


def memory() -> list[Cell]:
    """A stage that takes all memory, and others."""
    return [Cell({"end": 0}, Faulty("memory")), *(Cell({"end": n}, Number(n, seconds=0.2)) for n in range(1, 4))]


def chains() -> list[Cell]:
    """Stages of two sizes, in two rounds, so that each size waits for the other."""
    first = [Sum((Number(n, seconds=0.2),), seconds=0.2) for n in range(4)]
    return [Cell({"end": n}, Square(Sum((total, Number(10 + n))))) for n, total in enumerate(first)]


def narrow() -> list[Cell]:
    """Two stages, one that waits for both, and two that wait for it, all of one size."""
    middle = Number(2, seconds=1.0, behind=(Number(0, seconds=2.0), Number(1, seconds=2.0)))
    return [Cell({"end": n}, Number(n, seconds=2.0, behind=(middle,))) for n in (3, 4)]


GRIDS = {"narrow": narrow, "mixed": mixed, "slow": slow, "large": large, "memory": memory, "chains": chains}
SIZES = {
    "number": Resources(CPUS * 3 / 8),
    "sum": Resources(CPUS, memory_gb=0.1),
    "square": Resources(CPUS / 2),
    "faulty": Resources(1),
    "large": Resources(10_000, 3),
}


def size(stage: Stage) -> Resources:
    """Return what a toy stage asks for."""
    return SIZES[stage.how if isinstance(stage, Faulty) and stage.how == "large" else stage.KIND]


def main(grid: str, root: str) -> int:
    """Run a grid and write what came out."""
    store = Store(Path(root))
    plan = make_plan(GRIDS[grid](), store)
    outcome = run(plan, store, {key: size(stage) for key, stage in plan.stages.items()})
    failures = [
        {"label": failure.stage.label(), "cause": failure.cause, "log": failure.log, "input_fault": failure.input_fault}
        for failure in outcome.failures.values()
    ]
    told = {"built": sorted(outcome.built), "failures": failures, "interrupted": outcome.interrupted}
    write_json(store.root / "outcome.json", told)
    return 130 if outcome.interrupted else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
