"""One Tune experiment that runs a graph of stages (the only file that imports ray.tune).

Tune knows no dependencies between trials; a `Searcher` gives them: it hands out a stage once its inputs
are built. The folders named by content are the truth about what is done, Tune's own record is only a log.
"""

import contextlib
import importlib.metadata
import json
import logging
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from grid.plan import Plan
from grid.progress import Progress
from grid.stage import InputError, Resources, Stage
from grid.store import Store, write_json

REPORT_INTERVAL_S = 1.0  # a report costs Tune some milliseconds
OBJECT_STORE_BYTES = 1 << 30  # embedded only: the windows in flight; recordings are memory-mapped
# What Ray prints and checks by itself, turned down; read by Ray when it is first imported.
QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_TRAIN_ENABLE_STATE_TRACKING": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@dataclass(frozen=True)
class Failure:
    """A stage that could not be built."""

    stage: Stage
    cause: str
    log: str
    input_fault: bool  # the data is at fault, not the work


@dataclass
class Outcome:
    """What a launch came to."""

    built: set[str] = field(default_factory=set)
    failures: dict[str, Failure] = field(default_factory=dict)
    interrupted: bool = False


@dataclass
class BuildContext:
    """What a stage is given beside its record (see `grid.stage.Context`)."""

    store: Store
    stage: Stage
    resources: Resources
    tell: Callable[[dict[str, float]], None]
    _last: float = 0.0

    def folder(self, stage: Stage) -> Path:
        return self.store.folder(stage)

    def work(self) -> Path:
        return self.store.work(self.stage)

    def report(self, **progress: float) -> None:
        if time.monotonic() - self._last > REPORT_INTERVAL_S:
            self._last = time.monotonic()
            self.tell(progress)


def run(
    plan: Plan,
    store: Store,
    resources: Mapping[str, Resources],
    address: str | None = None,
    code: Path | None = None,
    stream: IO[str] | None = None,
) -> Outcome:
    """Build the missing stages of a plan, as many at once as the cluster holds.

    Parameters
    ----------
    plan : Plan
        What to build.
    store : Store
        Where to; on a cluster it must lie where every node sees it.
    resources : mapping of str to Resources
        What each stage asks of the cluster, by key.
    address : str, optional
        A Ray cluster; by default that of the environment (`RAY_ADDRESS`), else an embedded one.
    code : Path, optional
        The project's folder, sent to the nodes of a cluster that is not this machine's.
    stream : file, optional
        Where progress is written.

    Returns
    -------
    Outcome
        What was built, and what failed, with the cause and the log of each.
    """
    store.sweep()
    for key in plan.forced:
        store.forget_work(plan.stages[key])
    log = store.root / "logs" / f"launch-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    outcome = Outcome()
    os.environ.update({name: os.environ.get(name, value) for name, value in QUIET.items()})
    with _quiet(log, stream) as screen, Progress(plan, screen, str(log)) as progress:
        _start_ray(address, code)
        try:
            _fit(plan, store, resources, progress, outcome)
        finally:
            _stop_ray()
    outcome.interrupted = not outcome.failures and outcome.built < set(plan.missing)
    return outcome


def _start_ray(address: str | None, code: Path | None) -> None:
    import ray

    address = address or os.environ.get("RAY_ADDRESS")
    if address is None or address == "local":
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=OBJECT_STORE_BYTES,
        )
        return
    in_job = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ  # `ray job submit` has sent the code already
    sent = {} if in_job or code is None else {"working_dir": str(code), "excludes": ["/storage", "/.git", "/.venv"]}
    ray.init(address=address, runtime_env=sent, log_to_driver=False, logging_level=logging.ERROR)


def _stop_ray() -> None:
    import ray

    ray.shutdown()


def _fit(plan: Plan, store: Store, resources: Mapping[str, Resources], progress: Progress, outcome: Outcome) -> None:
    from ray import tune

    trainable = tune.with_parameters(_trial, stages=plan.missing, forced=plan.forced, store=store, resources=resources)
    tuner = tune.Tuner(
        tune.with_resources(trainable, lambda config: _bundle(resources[config["key"]])),
        tune_config=tune.TuneConfig(search_alg=_searcher(plan, outcome), num_samples=-1, reuse_actors=True),
        run_config=tune.RunConfig(
            name=f"launch-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}",
            storage_path=str((store.root / "tune").absolute()),
            callbacks=[_callback(plan, store, progress, outcome)],
            verbose=0,
        ),
    )
    tuner.fit()


def _bundle(asked: Resources) -> Any:
    from ray import tune

    bundle = {"CPU": asked.cpus, "GPU": asked.gpus, "memory": asked.memory_gb * 1e9}
    return tune.PlacementGroupFactory([{name: amount for name, amount in bundle.items() if amount}])


class _Unstored:
    """Tune pickles searchers and callbacks for a restore that is never asked for: the folders are the truth."""

    def __reduce__(self) -> tuple[type, tuple]:
        return object, ()

    def __deepcopy__(self, memo: dict) -> "_Unstored":
        return self


def _searcher(plan: Plan, outcome: Outcome) -> Any:
    from ray.tune.search import Searcher

    class GraphSearcher(_Unstored, Searcher):
        """Hands out each missing stage once, when its inputs are built; drops what hangs on a failure."""

        def __init__(self) -> None:
            super().__init__(metric=None, mode=None)
            self.waiting = dict(plan.missing)

        def suggest(self, trial_id: str) -> Any:
            self._drop_blocked()
            for key, stage in self.waiting.items():
                if all(source.key in outcome.built or source.key not in plan.missing for source in stage.inputs):
                    del self.waiting[key]
                    return {"key": key, "kind": stage.KIND, "label": stage.label()}
            return None if self.waiting else Searcher.FINISHED

        def _drop_blocked(self) -> None:
            lost = set(outcome.failures)
            for key, stage in plan.missing.items():  # inputs first, so one pass finds every descendant
                if any(source.key in lost for source in stage.inputs):
                    lost.add(key)
                    self.waiting.pop(key, None)

        def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
            """The callback keeps the outcome."""

        def save(self, checkpoint_path: str) -> None:
            """Nothing to keep: the folders are the truth."""

        def restore(self, checkpoint_path: str) -> None:
            """Nothing to restore."""

    return GraphSearcher()


def _callback(plan: Plan, store: Store, progress: Progress, outcome: Outcome) -> Any:
    from ray import tune

    class Follow(_Unstored, tune.Callback):
        """Keeps the outcome and moves the screen."""

        def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            progress.start(trial.config["key"])

        def on_trial_result(self, iteration: int, trials: list, trial: Any, result: dict, **info: Any) -> None:
            progress.advance(trial.config["key"], result.get("progress") or {})

        def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            key = trial.config["key"]
            if not store.holds(plan.stages[key]):  # stopped from outside: an interrupt
                return
            outcome.built.add(key)
            progress.finish(key)

        def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            key = trial.config["key"]
            outcome.failures[key] = _failure(store, plan.stages[key])
            progress.finish(key, outcome.failures[key].cause)

    return Follow()


def _failure(store: Store, stage: Stage) -> Failure:
    try:
        told = json.loads(_failure_file(store, stage).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        told = {"cause": "its worker died before it could say why (killed, or out of memory)", "input_fault": False}
    return Failure(stage, told["cause"], str(store.log(stage)), told["input_fault"])


def _failure_file(store: Store, stage: Stage) -> Path:
    return store.log(stage).with_suffix(".failed.json")


def _trial(
    config: dict,
    stages: dict[str, Stage],
    forced: frozenset[str],
    store: Store,
    resources: Mapping[str, Resources],
) -> None:
    """Build one stage in a trial's actor."""
    from ray import tune

    stage = stages[config["key"]]
    _failure_file(store, stage).unlink(missing_ok=True)
    context = BuildContext(store, stage, resources[stage.key], lambda progress: tune.report({"progress": progress}))
    if stage.key in forced or not store.holds(stage):
        with _logged(store.log(stage)):
            _build(stage, store, context)
    tune.report({"progress": {}, "built": 1})


def _build(stage: Stage, store: Store, context: BuildContext) -> None:
    try:
        build_stage(stage, store, context)
    except Exception as error:
        traceback.print_exc()
        cause = f"{type(error).__name__}: {error}"
        told = {"stage": stage.label(), "cause": cause, "input_fault": isinstance(error, InputError)}
        write_json(_failure_file(store, stage), {**told, "record": stage.record})
        raise


def build_stage(stage: Stage, store: Store, context: BuildContext) -> None:
    """Build one stage, here and now, into the store."""
    began = time.time()
    provenance: dict[str, Any] = {"started": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "host": platform.node()}
    with store.draft(stage, provenance) as draft:
        stage.build(draft, context)
        provenance |= {"seconds": round(time.time() - began, 3), "asked_for": context.resources.describe()}
        provenance |= {"versions": versions()}


def versions() -> dict[str, str]:
    """Return the versions of what a result was computed with."""
    names = ("ray", "torch", "chronos-forecasting", "transformers", "lightgbm", "scikit-learn", "numpy", "pyarrow")
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


@contextlib.contextmanager
def _logged(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", buffering=1) as log:
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            yield


@contextlib.contextmanager
def _quiet(log: Path, stream: IO[str] | None) -> Iterator[IO[str]]:
    """Send what Ray writes to the terminal into `log`; give a stream that still reaches the terminal."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with log.open("w", encoding="utf-8") as sink, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield stream or terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, descriptor in enumerate(kept, 1):
                os.dup2(descriptor, number)
                os.close(descriptor)
