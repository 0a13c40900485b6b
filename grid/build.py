"""What is done where a stage is built: its log, its provenance, why it failed."""

import json
import platform
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from grid.energy import Meter, device_name
from grid.stage import InputError, Resources, Stage
from grid.store import Store, write_json
from grid.terminal import into

REPORT_INTERVAL_S = 1.0  # a report costs Tune some milliseconds
VERSIONED = (
    *("ray", "torch", "chronos-forecasting", "transformers", "lightgbm", "scikit-learn", "sktime"),
    *("numpy", "scipy", "pandas", "pyarrow"),
)


@dataclass(frozen=True)
class Failure:
    """A stage that could not be built."""

    stage: Stage
    cause: str
    log: str
    input_fault: bool  # the data or the config is at fault, not the work


@dataclass
class BuildContext:
    """What a stage is given beside its record (see `grid.stage.Context`)."""

    store: Store
    stage: Stage
    resources: Resources
    tell: Callable[[dict[str, float]], None]
    _last: float = 0.0
    title: str = ""  # as people call the stage; see `grid.titles`

    def __post_init__(self) -> None:
        self.title = self.title or self.stage.label()

    def folder(self, stage: Stage) -> Path:
        return self.store.folder(stage)

    def work(self) -> Path:
        return self.store.work(self.stage)

    def report(self, **progress: float) -> None:
        if time.monotonic() - self._last > REPORT_INTERVAL_S:
            self._last = time.monotonic()
            self.tell(progress)


def build_stage(stage: Stage, store: Store, context: BuildContext) -> None:
    """Build one stage, here and now, into the store."""
    began = time.time()
    provenance: dict[str, Any] = {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "host": platform.node()}
    provenance |= {"asked_for": context.resources.describe(), "device": device_name(context.resources.gpus)}
    meter = Meter(context.resources.gpus)
    try:
        with store.draft(stage, provenance) as draft:
            stage.build(draft, context)
            provenance |= {"seconds": round(time.time() - began, 3), "energy_wh": meter.stop()}
            provenance |= {"versions": versions()}
    finally:
        meter.stop()


@cache
def versions() -> dict[str, str]:
    """Return the versions of what a result was computed with."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in VERSIONED}


def build_logged(stage: Stage, store: Store, context: BuildContext) -> None:
    """Build one stage; what it prints goes to its log, and if it fails, why goes beside that log.

    Raises
    ------
    RuntimeError
        With the cause in words: the error itself may not pickle, and the log has its traceback.
    """
    with into(store.log(stage)):
        try:
            build_stage(stage, store, context)
        except BaseException as error:  # sys.exit() in a stage is a failure of it, not of its worker
            traceback.print_exc()
            raise RuntimeError(_tell(stage, store, error)) from None


def _tell(stage: Stage, store: Store, error: BaseException) -> str:
    name = "" if isinstance(error, InputError) else type(error).__name__  # which says nothing to who gave the data
    cause = ": ".join(part for part in (name, str(error)) if part)
    told = {"stage": stage.label(), "cause": cause, "input_fault": isinstance(error, InputError)}
    write_json(_failure_file(store, stage), {**told, "record": stage.record})
    return cause


def read_failure(store: Store, stage: Stage, died: str) -> Failure:
    """Return why a stage failed: what it said itself, else what its log and `died`, Ray's words, tell."""
    try:
        told = json.loads(_failure_file(store, stage).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        store.log(stage).parent.mkdir(parents=True, exist_ok=True)
        with store.log(stage).open("a+", encoding="utf-8", errors="replace") as log:
            log.seek(0)
            told = {"stage": stage.label(), "cause": _why_it_died(log.read(), died), "input_fault": False}
            log.write(f"\n{died}\n")
        write_json(_failure_file(store, stage), told)
    return Failure(stage, told["cause"], str(store.log(stage)), told["input_fault"])


def last_failure(store: Store, stage: Stage) -> Failure | None:
    """Return why the last build of a stage failed, None if none was begun since or it did not."""
    try:
        told = json.loads(_failure_file(store, stage).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return Failure(stage, told["cause"], str(store.log(stage)), told["input_fault"])


def _why_it_died(log: str, died: str) -> str:
    """Return in one line what a dead worker's log and Ray tell; Ray does not tell the signal."""
    fatal = [line for line in log.splitlines() if line.startswith("Fatal Python error")]
    if fatal:
        return f"its worker died: {fatal[-1]}"
    if "low on memory" in died:
        return "out of memory: Ray killed its worker; let it ask for its memory, so that less runs beside it"
    if "worker process has died" in died:
        return "its worker died without a word: killed (out of memory?), or ended by the stage itself"
    return died.strip().splitlines()[-1]


def forget_failure(store: Store, stage: Stage) -> None:
    """Drop what an earlier build said, so that it is not taken for the next one's words."""
    _failure_file(store, stage).unlink(missing_ok=True)
    store.log(stage).unlink(missing_ok=True)


def _failure_file(store: Store, stage: Stage) -> Path:
    return store.log(stage).with_suffix(".failed.json")
