"""What a launch says of itself in the store, for whoever looks from another shell, or later.

``runs/<launch>/plan.json`` is written once, ``now.json`` every two seconds; both are whole at any moment. A launch
that was killed leaves a `now.json` that says no end: that its process is gone tells that it died.
"""

import contextlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
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
        with contextlib.suppress(OSError):
            _sweep(store)
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
            self.store.share(self.folder / name)


def _facts(name: str, plan: Plan, log: str) -> dict[str, Any]:
    process, cells = identity(), {cell.name(): cell.stage.key for cell in plan.cells}
    started = {"process_started": process["started"], "started": time.time()}
    return {"name": name, **process, **started, "log": log, "cells": cells}


def _sweep(store: Store) -> None:
    """Remove all but the latest launches, here and where other machines see them."""
    store.receive(store.root / RUNS)
    for folder in sorted((store.root / RUNS).glob("*"))[: -KEPT + 1]:
        shutil.rmtree(folder, ignore_errors=True)
        (store.root / LOGS / f"{folder.name}.log").unlink(missing_ok=True)
        store.share(folder)


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
        is_alive = lives({**self.plan, "started": self.plan["process_started"]})
        if is_alive is not None:
            return None if is_alive else f"died {_ago(silence_s)}: its process is gone"
        return None if silence_s < SILENCE_S else f"died, or cannot write: last heard {_ago(silence_s)}"


def launches(store: Store) -> list[Told]:
    """Return what the latest launches have said of themselves, the last one first."""
    store.receive(store.root / RUNS)
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
