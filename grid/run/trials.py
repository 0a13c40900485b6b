"""What Ray Tune is given to run a graph of stages as its trials (the only file that imports ray.tune).

Tune knows no dependencies between trials; a `Searcher` gives them: it hands out a stage once its inputs
are built. The folders named by content are the truth about what is done, Tune's own record is only a log.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ray
import ray.data
import ray.tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from grid.run.build import BuildContext, build_alone
from grid.run.cluster import STATE_TRACKING
from grid.run.conductor import Conductor
from grid.run.queue import amounts
from grid.run.ray_private import memory_kills_one, name_process
from grid.stage import Resources, Stage
from grid.store.remote import RemoteStore
from grid.store.store import Store

CAPACITY_INTERVAL_S = 2.0  # between looks at what the cluster has; nodes come and go


def nodes() -> list[dict[str, float]]:
    """Return what each node of the cluster has, alive ones alone: ``{"CPU": 8.0, "memory": 3e10, ...}``."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def fit(name: str, conductor: Conductor, tick: Callable[[], None], folder: Path) -> None:
    """Run the experiment to its end; Tune keeps its own record in a folder that goes.

    Parameters
    ----------
    name : str
        Of the launch.
    conductor : Conductor
        Says which stage is next, and hears what became of each.
    tick : callable
        Called again and again while stages are built.
    folder : Path
        Where Tune's own record lies.
    """
    plan, resources = conductor.plan, conductor.resources  # all that Tune pickles; not the launch and its terminal
    given = {"stages": plan.missing, "forced": plan.forced, "store": conductor.store, "resources": resources}
    given |= {"launch": name, "is_watched": conductor.progress.dashboard is not None}
    trainable = ray.tune.with_parameters(_trial, **given)
    tuner = ray.tune.Tuner(
        ray.tune.with_resources(trainable, lambda config: _bundle(resources[config["key"]])),
        tune_config=ray.tune.TuneConfig(
            search_alg=GraphSearcher(conductor, tick),
            scheduler=NewTrialsFirst(conductor),
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_folder,
        ),
        run_config=ray.tune.RunConfig(
            name=name, storage_path=str(folder), callbacks=[Follow(conductor, tick)], verbose=0
        ),
    )
    with memory_kills_one():
        tuner.fit()


def _bundle(asked: Resources) -> Any:
    """What a trial holds; one with several workers holds next to nothing, and they hold their own."""
    return ray.tune.PlacementGroupFactory([amounts(asked) if asked.workers == 1 else {"memory": 1}])


class _Unstored:
    """Tune pickles searchers and callbacks for a restore that is never asked for: the folders are the truth."""

    def __reduce__(self) -> tuple[type, tuple]:
        return object, ()

    def __deepcopy__(self, memo: dict) -> "_Unstored":
        return self


class GraphSearcher(_Unstored, ray.tune.search.Searcher):
    """Hands out each missing stage once.

    Parameters
    ----------
    conductor : Conductor
        Says which stage is next.
    tick : callable
        Called whenever Tune asks.
    """

    def __init__(self, conductor: Conductor, tick: Callable[[], None]) -> None:
        super().__init__(metric=None, mode=None)
        self._conductor, self._tick = conductor, tick
        self._capacity: Mapping[str, float] = {}
        self._looked_at = -CAPACITY_INTERVAL_S

    def suggest(self, trial_id: str) -> Any:
        """Return what the next trial is given; None where all that are ready must wait."""
        self._tick()  # Tune may ask again and again, and do nothing else, while nothing runs
        conductor = self._conductor
        if conductor.is_done():
            return ray.tune.search.Searcher.FINISHED
        key = self._next()
        if key is None:
            return None
        trial: dict[str, Any] = {
            "key": key,
            "kind": conductor.plan.stages[key].KIND,
            "title": conductor.progress.titles[key],
        }
        trial |= {"wave": conductor.queue.wave + 1} if conductor.waves else {}
        return trial | {"attempt": conductor.tries[key]}

    def _next(self) -> str | None:
        if time.monotonic() - self._looked_at > CAPACITY_INTERVAL_S:
            self._capacity, self._looked_at = ray.cluster_resources(), time.monotonic()
        return self._conductor.next(self._capacity)

    def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
        """Do nothing: the callback keeps the outcome."""

    def save(self, checkpoint_path: str) -> None:
        """Keep nothing: the folders are the truth."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""


class NewTrialsFirst(_Unstored, ray.tune.schedulers.FIFOScheduler):
    """Gives an actor that has become free to a trial that has none yet, and says in which wave a race is.

    Tune would give it to the trial that has waited longest, whose own actor is starting, and stop that
    actor; where stages are shorter than an actor's start, the second actor would never come up.

    Parameters
    ----------
    conductor : Conductor
        Knows the waves.
    """

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()
        self._conductor = conductor

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """Choose none: Tune then starts an actor for each."""

    def debug_string(self) -> str:
        """Return the line in which Tune says how far its schedule is."""
        waves, queue = self._conductor.waves, self._conductor.queue
        if waves is None:
            return super().debug_string()
        return f"Racing: wave {queue.wave + 1} of {waves.n_waves}; {len(queue.dropped)} stages given up"


class Follow(_Unstored, ray.tune.Callback):
    """Passes each of Ray Tune's events to the launch.

    Parameters
    ----------
    conductor : Conductor
        Hears what was built and what failed; its screen, what runs.
    tick : callable
        Called at each of Tune's steps.
    """

    def __init__(self, conductor: Conductor, tick: Callable[[], None]) -> None:
        self._conductor, self._tick = conductor, tick

    def on_step_begin(self, iteration: int, trials: list, **info: Any) -> None:
        """Let the launch look around: signals, screen, journal."""
        self._tick()

    def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        """Show that a stage has begun."""
        self._conductor.progress.start(trial.config["key"])

    def on_trial_result(self, iteration: int, trials: list, trial: Any, result: dict, **info: Any) -> None:
        """Show how far a stage is, and where it runs."""
        self._conductor.progress.advance(trial.config["key"], result.get("progress") or {}, result["device"])

    def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        """Note what became of a stage: built, left to another launch, or stopped before it was built."""
        if trial.last_result.get("built"):
            self._conductor.built(trial.config["key"])
        elif trial.last_result.get("elsewhere"):
            self._conductor.leave(trial.config["key"])
        else:
            self._conductor.failed(trial.config["key"], "Tune stopped it before it was built")

    def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        """Note that a stage failed, with the trace that its worker left."""
        self._conductor.failed(trial.config["key"], Path(trial.error_file).read_text(encoding="utf-8"))


def _trial_name(trial: Any) -> str:
    return f"{trial.config['kind']} {trial.config['title']}"


def _trial_folder(trial: Any) -> str:
    return f"{trial.config['kind']}-{trial.config['key']}-{trial.config['attempt']}"


def _trial(
    config: dict,
    stages: dict[str, Stage],
    forced: frozenset[str],
    store: Store,
    resources: Mapping[str, Resources],
    launch: str,
    is_watched: bool,
) -> None:
    """Build one stage in a trial's actor."""
    stage, asked = stages[config["key"]], resources[config["key"]]
    if is_watched:  # by a dashboard; read by Ray Train when a run begins
        os.environ[STATE_TRACKING] = "1"
    device = _device(asked)

    def tell(progress: dict[str, float]) -> None:
        ray.tune.report({"progress": progress, "device": device})
        name_process(f"{config['kind']} {config['title']}")

    tell({})
    if isinstance(store, RemoteStore):
        _keep_data_here()
    context = BuildContext(store, stage, asked, tell, title=config["title"], launch=launch)
    stands = build_alone(stage, store, context, stage.key in forced)
    ray.tune.report({"progress": {}, "device": device, "built" if stands else "elsewhere": 1})


def _keep_data_here() -> None:
    """Let Ray Data's tasks run on this node alone: no other one has the mirror that its stage reads from."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    context = ray.data.DataContext.get_current()
    context.scheduling_strategy = context.scheduling_strategy_large_args = here


def _device(asked: Resources) -> str:
    """Return where a stage runs, say ``node7 GPU 0``; with several workers, what they hold."""
    if asked.workers > 1:
        return asked.describe()
    gpus = ",".join(map(str, ray.get_gpu_ids())) if asked.gpus else ""
    return f"{socket.gethostname()} {f'GPU {gpus}' if gpus else 'CPU'}"
