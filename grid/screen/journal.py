"""Write a launch's journal into the store, and read it from another shell, or later.

``runs/<launch>/plan.json`` is written once, ``now.json`` every two seconds; both are whole at any moment. A launch
that was killed leaves a `now.json` that says no end: that its process is gone tells that it died.
"""

import contextlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid.plan.plan import Plan
from grid.screen.progress import Progress
from grid.store.processes import identity, lives
from grid.store.store import LOGS, Store, write_json

RUNS, PLAN, NOW = "runs", "plan.json", "now.json"
INTERVAL_S = 2.0
SILENCE_S = 60.0  # of a launch on another machine, until it is taken for dead
KEPT = 20  # launches


class Journal:
    """Writes what a launch does into the store; what cannot be written is not seen, and the work goes on.

    Parameters
    ----------
    store : Store
        Where to.
    name : str
        The launch's.
    progress : Progress
        What is written every now and then.
    meanwhile : callable, optional
        Called as often, while stages are built.
    """

    def __init__(
        self, store: Store, name: str, progress: Progress, meanwhile: Callable[[], None] | None = None
    ) -> None:
        self.store, self.folder = store, store.root / RUNS / name
        self.progress = progress
        self.meanwhile = meanwhile
        self._written_at = -float("inf")
        number = 1
        with contextlib.suppress(OSError):
            number = _sweep(store)
        self._keep(PLAN, {"number": number, **_facts(name, progress.plan, progress.log)})
        self.write()
        self._written_at = -float("inf")  # the first tick is not too early for what is to be done meanwhile

    def tick(self) -> None:
        """Write, if the last entry is old enough."""
        if time.monotonic() - self._written_at > INTERVAL_S:
            self.write()
            if self.meanwhile is not None:
                self.meanwhile()

    def write(self, end: str | None = None) -> None:
        """Write what is going on, and how the launch ended if it did."""
        self._written_at = time.monotonic()
        record = {"heard": time.time(), "end": end, "dashboard": self.progress.dashboard}
        self._keep(NOW, {**record, **self.progress.snapshot()})

    def _keep(self, name: str, value: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            write_json(self.folder / name, value)
            self.store.share(self.folder / name)


def _facts(name: str, plan: Plan, log: str) -> dict[str, Any]:
    process, cells = identity(), {cell.name(): cell.stage.key for cell in plan.cells}
    started = {"process_started": process["started"], "started": time.time()}
    return {"name": name, **process, **started, "log": log, "cells": cells}


def _sweep(store: Store) -> int:
    """Remove all but the latest launches, here and where other machines see them; return the next one's number.

    Launches are counted, and not put in order by their time: a clock may be set back.
    """
    store.receive(store.root / RUNS)
    numbers = {folder: _number(folder) for folder in sorted((store.root / RUNS).glob("*"))}
    for folder in sorted(numbers, key=numbers.__getitem__)[: -KEPT + 1]:
        shutil.rmtree(folder, ignore_errors=True)
        (store.root / LOGS / f"{folder.name}.log").unlink(missing_ok=True)
        store.share(folder)
    return 1 + max(numbers.values(), default=0)


def _number(folder: Path) -> int:
    """Return a launch's number; 0 where it cannot be read, which goes first."""
    plan = _read(folder / PLAN)
    return int(plan.get("number", 0)) if plan else 0


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class LaunchRecord:
    """The journal of a launch: its plan, its last entry, and how long ago that was by the storage's clock."""

    plan: dict[str, Any]
    now: dict[str, Any]
    silence_s: float

    def is_of(self, cells: dict[str, str]) -> bool:
        """Tell whether the launch was to build some of these cells, given as keys by name."""
        return bool(self.plan["cells"].items() & cells.items())

    def end(self) -> str | None:
        """Return how the launch ended, None if it goes on."""
        if self.now["end"] is not None:
            return self.now["end"]
        is_alive = lives({**self.plan, "started": self.plan["process_started"]})
        if is_alive is not None:
            return None if is_alive else f"died {_ago(self.silence_s)}: its process is gone"
        # What was written after now was so before the clock was set back, and is silent since.
        is_heard = -SILENCE_S < self.silence_s < SILENCE_S
        return None if is_heard else f"died, or cannot write: last heard {_ago(self.silence_s)}"


def launches(store: Store) -> list[LaunchRecord]:
    """Return what the latest launches have said of themselves, the last one first."""
    store.receive(store.root / RUNS)
    found = []
    for folder in sorted((store.root / RUNS).glob("*"), reverse=True):
        plan, now = _read(folder / PLAN), _read(folder / NOW)
        if plan and now:  # else it begins just now, or is being removed
            found.append(LaunchRecord(plan, now, _silence_s(store, folder.name, now)))
    return sorted(found, key=lambda launch: (launch.plan.get("number", 0), launch.plan["started"]), reverse=True)


def _silence_s(store: Store, name: str, now: dict[str, Any]) -> float:
    """Return for how long a launch has said nothing, by one clock: that of the file system, or the bucket."""
    try:
        return (store.stored.age_s(f"{RUNS}/{name}/{NOW}") if now["end"] is None else None) or 0.0
    except OSError:  # a storage that cannot be written, say: nothing tells what time it has
        return time.time() - now["heard"]


def _ago(seconds: float) -> str:
    if seconds < -SILENCE_S:
        return "before the clock was set back"
    if seconds < 120:
        return f"{max(0, round(seconds))} s ago"
    return f"{round(seconds / 60)} min ago" if seconds < 7200 else f"{round(seconds / 3600)} h ago"
