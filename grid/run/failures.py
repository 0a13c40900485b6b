"""Why a stage could not be built, and whether it may go better another time."""

import errno
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from grid.run.limits import WorkerEndedError, timed_out
from grid.stage import InputError, Stage
from grid.store.manifest import DamagedError
from grid.store.store import LOGS, Store, name_of, write_json

Kind = Literal["input", "work", "lost", "memory", "memory_limit", "time_limit", "disk", "damaged"]
MAY_PASS: tuple[Kind, ...] = ("lost", "memory", "memory_limit")
# Ray's errors (by name: this floor knows no Ray) where something died that the stage asked for work
LOST = (
    *("RayActorError", "WorkerCrashedError", "NodeDiedError", "ObjectLostError", "OwnerDiedError"),
    *("RaySystemError", "LocalRayletDiedError", "RpcError", "WorkerGroupStartupTimeoutError"),
    *("WorkerGroupStartupFailedError", "PreemptionError"),
)
# of a shared folder that did not answer for a while
PASSING_ERRORS = (errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETUNREACH)


@dataclass(frozen=True)
class Failure:
    """A stage that could not be built.

    Attributes
    ----------
    stage : Stage
    cause : str
        In words.
    log : str
        Where what it printed is.
    kind : str
        ``input`` (the data or the config is at fault), ``work`` (an error in the work on it), ``lost`` (its worker or
        node died), ``memory`` (it was killed for it), ``memory_limit`` and ``time_limit`` (its own limits), ``disk``
        (full), ``damaged`` (an input is not what was written).
    tries : int
        How often it was begun.
    """

    stage: Stage
    cause: str
    log: str
    kind: Kind = "work"
    tries: int = 1

    @property
    def input_fault(self) -> bool:
        """Whether the data or the config is at fault, not the work."""
        return self.kind == "input"

    @property
    def may_pass(self) -> bool:
        """Whether another try may do better."""
        return self.kind in MAY_PASS


def kind_of(error: BaseException) -> Kind:
    """Return what kind of failure an error is."""
    if isinstance(error, WorkerEndedError):
        return error.kind
    if isinstance(error, InputError):
        return "input"
    if isinstance(error, DamagedError):
        return "damaged"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk"
    is_rays = type(error).__module__.startswith("ray.")
    if isinstance(error, MemoryError) or (is_rays and type(error).__name__ == "OutOfMemoryError"):
        return "memory"
    if any(ancestor.__name__ in LOST for ancestor in type(error).__mro__):
        return "lost"
    return "lost" if isinstance(error, OSError) and error.errno in PASSING_ERRORS else "work"


def tell_failure(store: Store, stage: Stage, error: BaseException) -> str:
    """Leave beside the stage's log why it failed, and return it."""
    kind = kind_of(error)
    name = "" if kind == "input" else type(error).__name__  # which says nothing to who gave the data
    cause = ": ".join(part for part in (name, str(error)) if part)
    if kind == "disk":
        cause = f"no space left ({error}); {free_space(store)}; free some, and the same command goes on"
    return tell_cause(store, stage, kind, cause)


def tell_limit(store: Store, stage: Stage, cause: str, over: Literal["time", "memory"]) -> None:
    """Leave beside the stage's log that it went over a limit of its own."""
    tell_cause(store, stage, "time_limit" if over == "time" else "memory_limit", cause)


def tell_cause(store: Store, stage: Stage, kind: Kind, cause: str) -> str:
    """Leave beside the stage's log why it failed, in words, and return them."""
    record = {"stage": stage.label(), "cause": cause, "kind": kind, "record": stage.record}
    _keep(store, stage, record)
    return cause


def read_failure(store: Store, stage: Stage, died: str, tries: int = 1, was_killed_for_memory: bool = False) -> Failure:
    """Return why a stage failed: what it said itself, else what its log and `died`, Ray's words, tell.

    Parameters
    ----------
    store : Store
    stage : Stage
    died : str
        What Ray says.
    tries : int
        How often it was begun.
    was_killed_for_memory : bool
        Whether the kernel has killed something for its memory where the stage was built.
    """
    path = store.failure(stage)
    store.receive(path)
    record = _record(store, stage)
    if record is None:
        kind, cause = _why_it_died(store, stage, died)
        if kind == "lost" and was_killed_for_memory:
            kind, cause = "memory", "out of memory: the kernel killed its worker"
        record = {"stage": stage.label(), "cause": cause, "kind": kind}
    _keep(store, stage, {**record, "tries": tries})
    return Failure(stage, record["cause"], str(store.log(stage)), record["kind"], tries)


def gather_failures(store: Store) -> None:
    """Fetch the causes of failed builds of all machines, in one go."""
    store.receive(store.root / LOGS / "*.failed.json")


def last_failure(store: Store, stage: Stage) -> Failure | None:
    """Return why the last build of a stage failed, None if none was begun since or it did not.

    What other machines say is known after `gather_failures`.
    """
    record = _record(store, stage)
    if record is None:
        return None
    return Failure(stage, record["cause"], str(store.log(stage)), record.get("kind", "work"), record.get("tries", 1))


def set_log_aside(store: Store, stage: Stage, tries: int) -> None:
    """Keep what a try that failed printed, before the next one begins; what it said is not the next one's words."""
    log = store.log(stage)
    if log.exists():
        shutil.move(log, log.with_suffix(f".try{tries}.log"))
    _forget(store, store.failure(stage))


def forget_failure(store: Store, stage: Stage) -> None:
    """Drop what an earlier build said, so that it is not taken for the next one's words."""
    for path in (store.failure(stage), store.log(stage), *store.log(stage).parent.glob(f"{name_of(stage)}.try*.log")):
        _forget(store, path)


def _forget(store: Store, path: Path) -> None:
    if path.exists():
        path.unlink(missing_ok=True)
        store.share(path)


def free_space(store: Store) -> str:
    """Return how much space is left, in words."""
    return f"{shutil.disk_usage(store.root).free / 1e6:.1f} MB are free on {store.where}"


def _record(store: Store, stage: Stage) -> dict[str, Any] | None:
    try:
        record = json.loads(store.failure(stage).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record if isinstance(record, dict) and "cause" in record else None


def _keep(store: Store, stage: Stage, record: dict[str, Any]) -> None:
    """Write a failure's record to the store; on a full disk print it instead."""
    try:
        write_json(store.failure(stage), record)
        store.share(store.failure(stage))
    except OSError as error:
        print(f"{store.failure(stage)} could not be written: {error}", flush=True)


def _why_it_died(store: Store, stage: Stage, died: str) -> tuple[Kind, str]:
    """Return what a dead worker's log and Ray tell; Ray does not tell the signal."""
    log = store.log(stage)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a+", encoding="utf-8", errors="replace") as stream:
            stream.seek(0)
            printed = stream.read()
            stream.write(f"\n{died}\n")
    except OSError:
        printed = ""
    fatal = [line for line in printed.splitlines() if line.startswith("Fatal Python error")]
    if fatal:
        return "work", f"its worker died: {fatal[-1]}"
    if "low on memory" in died:
        advice = "let it ask for its memory (resources.*.memory_gb), so that less runs beside it"
        return "memory", f"out of memory: Ray killed its worker; {advice}"
    if timed_out(printed):
        return "time_limit", f"took longer than resources.{stage.KIND}.time_limit_s, and did not let itself be asked"
    if "its node has died" in died:
        return "lost", f"its node died: {died.strip().splitlines()[-1]}"
    if "worker process has died" in died:
        return "lost", "its worker died without a word: killed (out of memory?), or ended by the stage itself"
    last = died.strip().splitlines()[-1] if died.strip() else "Ray does not say why"
    return ("lost" if "Error" in died and any(name in died for name in LOST) else "work"), last
