"""Build a stage in a worker: with its log, its provenance, and the cause where it fails."""

import os
import platform
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

from grid.run.energy import Meter, device_name
from grid.run.failures import tell_failure, tell_limit
from grid.run.limits import limits
from grid.screen.terminal import into
from grid.stage import Resources, Stage
from grid.store.leases import Lease, LeaseLostError
from grid.store.store import Store, name_of

REPORT_INTERVAL_S = 1.0  # a report costs Tune some milliseconds
VERSIONED = (
    *("ray", "torch", "chronos-forecasting", "transformers", "lightgbm", "scikit-learn", "sktime"),
    *("numpy", "scipy", "pandas", "pyarrow"),
)


@dataclass
class BuildContext:
    """What a stage is given beside its record (see `grid.stage.Context`)."""

    store: Store
    stage: Stage
    resources: Resources
    tell: Callable[[dict[str, float]], None]
    _last: float = 0.0
    title: str = ""  # as people call the stage; see `grid.plan.titles`
    launch: str = ""  # which launch builds it
    lease: Lease | None = None

    def __post_init__(self) -> None:
        self.title = self.title or self.stage.label()

    def folder(self, stage: Stage) -> Path:
        """Return the folder of a built input, whose files are what was written.

        Raises
        ------
        DamagedError
            If they are not.
        ValueError
            If it is no input: nothing would build it first.
        """
        if stage.key not in {self.stage.key, *(source.key for source in self.stage.waits_for)}:
            raise ValueError(
                f"the stage {self.stage.KIND!r} reads {stage.KIND!r}, which is none of its inputs and may not stand; "
                "hold it in a field, or add it to `inputs`"
            )
        return self.store.verified(stage)

    def work(self) -> Path:
        return self.store.work(self.stage)

    def report(self, **progress: float) -> None:
        if time.monotonic() - self._last > REPORT_INTERVAL_S:
            self._last = time.monotonic()
            self.tell(progress)


def build_stage(stage: Stage, store: Store, context: BuildContext) -> None:
    """Build one stage, here and now, into the store."""
    began = time.monotonic()
    provenance: dict[str, Any] = {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "host": platform.node()}
    provenance |= {"launch": context.launch, "process": os.getpid()}
    provenance |= {"asked_for": context.resources.describe(), "device": device_name(context.resources.gpus)}
    meter = Meter(context.resources.gpus)
    try:
        with store.draft(stage, provenance) as draft:
            stage.build(draft, context)
            if context.lease is not None:
                context.lease.check()
            provenance |= {"seconds": round(time.monotonic() - began, 3), "energy_wh": meter.stop()}
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
            with limits(context.resources, stage.KIND, partial(tell_limit, store, stage)):
                build_stage(stage, store, context)
        except LeaseLostError:
            raise
        except BaseException as error:  # sys.exit() in a stage is a failure of it, not of its worker
            traceback.print_exc()
            raise RuntimeError(tell_failure(store, stage, error)) from None
        finally:
            store.share(store.log(stage))


def build_alone(stage: Stage, store: Store, context: BuildContext, is_forced: bool = False) -> bool:
    """Build one stage unless somebody else does; what stands already is left, unless it is forced.

    Returns
    -------
    bool
        Whether it stands now; False where another process builds it.

    Raises
    ------
    RuntimeError
        As `build_logged`.
    """
    try:
        lease = store.leases.acquire(name_of(stage), context.launch)
    except OSError as error:  # a full disk, say
        raise RuntimeError(tell_failure(store, stage, error)) from None
    if lease is None:
        return False
    with lease:
        if not is_forced and store.holds(stage):
            return True
        context.lease = lease
        try:
            build_logged(stage, store, context)
        except LeaseLostError as error:
            print(error, flush=True)  # this process slept, say, and another has taken over
            return False
    return True
