"""What a launch says of itself in the store, for whoever looks from another shell, or later.

``runs/<launch>/plan.json`` is written once, ``now.json`` every two seconds; both are whole at any moment. A launch
that was killed leaves a `now.json` that says no end: that its process is gone tells that it died.
"""

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid.plan import Plan
from grid.progress import Progress
from grid.store import Store, write_json

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
        self.folder = store.root / RUNS / name
        self.progress = progress
        self.meanwhile = meanwhile
        self._written_at = -float("inf")
        _sweep(store.root / RUNS)
        self._keep(PLAN, _facts(name, progress.plan, progress.log))
        self.write()

    def tick(self) -> None:
        """Time passes."""
        if time.monotonic() - self._written_at > INTERVAL_S:
            self.write()
            if self.meanwhile is not None:
                self.meanwhile()

    def write(self, end: str | None = None) -> None:
        """Write what is going on, and how the launch ended if it did."""
        self._written_at = time.monotonic()
        told = {"heard": time.time(), "end": end, "dashboard": self.progress.dashboard}
        self._keep(NOW, {**told, **self.progress.snapshot()})

    def _keep(self, name: str, value: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            write_json(self.folder / name, value)


def _facts(name: str, plan: Plan, log: str) -> dict[str, Any]:
    process = {"host": socket.gethostname(), "pid": os.getpid(), "process_started": _process_started(os.getpid())}
    cells = {cell.name(): cell.stage.key for cell in plan.cells}
    return {"name": name, **process, "started": time.time(), "log": log, "cells": cells}


def _process_started(pid: int) -> int | None:
    """Return when a process started, in ticks since the machine did; None if there is none of that number.

    A number is used again after a while, but not with the same start.
    """
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    except (OSError, ValueError):
        return None


def _sweep(runs: Path) -> None:
    """Remove all but the latest launches."""
    for folder in sorted(runs.glob("*"))[: -KEPT + 1]:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Told:
    """What a launch has said of itself."""

    plan: dict[str, Any]
    now: dict[str, Any]

    def is_of(self, cells: dict[str, str]) -> bool:
        """Tell whether the launch was to build some of these cells, given as keys by name."""
        return bool(self.plan["cells"].items() & cells.items())

    def end(self) -> str | None:
        """Return how the launch ended, None if it goes on."""
        if self.now["end"] is not None:
            return self.now["end"]
        silence_s = time.time() - self.now["heard"]
        if self.plan["host"] == socket.gethostname():
            lives = _process_started(self.plan["pid"]) == self.plan["process_started"]
            return None if lives else f"died {_ago(silence_s)}: its process is gone"
        return None if silence_s < SILENCE_S else f"died, or cannot write: last heard {_ago(silence_s)}"


def launches(store: Store) -> list[Told]:
    """Return what the latest launches have said of themselves, the last one first."""
    found = []
    for folder in sorted((store.root / RUNS).glob("*"), reverse=True):
        try:
            plan, now = (json.loads((folder / name).read_text(encoding="utf-8")) for name in (PLAN, NOW))
        except (OSError, ValueError):
            continue  # begins just now, or is being removed
        found.append(Told(plan, now))
    return sorted(found, key=lambda told: told.plan["started"], reverse=True)


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0, round(seconds))} s ago"
    return f"{round(seconds / 60)} min ago" if seconds < 7200 else f"{round(seconds / 3600)} h ago"
