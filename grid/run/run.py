"""One Tune experiment that runs a graph of stages (the only file that imports ray.tune).

Tune knows no dependencies between trials; a `Searcher` gives them: it hands out a stage once its inputs
are built. The folders named by content are the truth about what is done, Tune's own record is only a log.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from grid.lazy_ray import ray
from grid.plan.plan import Plan, descendants
from grid.plan.waves import Waves
from grid.run.build import BuildContext, build_alone, build_stage, versions
from grid.run.cluster import SETTINGS, STATE_TRACKING, Connection
from grid.run.conductor import Conductor, Outcome
from grid.run.failures import Failure, forget_failure, gather_failures
from grid.run.leftovers import sweep_leftovers
from grid.run.queue import amounts, modules_ahead, too_large
from grid.run.ray_private import in_any_worker, keeping_actors, memory_kills_one, name_process
from grid.screen.journal import Journal
from grid.screen.progress import Progress
from grid.screen.terminal import Interrupt, quiet
from grid.stage import Resources, Stage
from grid.store.remote import RemoteStore, shared_folder_fault
from grid.store.store import Store, StoreError, name_of

__all__ = ["BuildContext", "Failure", "Outcome", "build_stage", "run", "versions"]

CAPACITY_INTERVAL_S = 2.0  # between looks at what the cluster has; nodes come and go


def run(
    plan: Plan,
    store: Store,
    resources: Mapping[str, Resources],
    address: str | None = None,
    code: Path | None = None,
    stream: IO[str] | None = None,
    meanwhile: Callable[[], None] | None = None,
    packages: Sequence[Path] = (),
    waves: Waves | None = None,
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
    meanwhile : callable, optional
        Called every few seconds while stages are built.
    packages : sequence of Path
        Folders of packages that stages are made of, which no node has by itself.
    waves : Waves, optional
        In which the stages come; between two, some may be given up.

    Returns
    -------
    Outcome
        What was built, and what failed, with the cause and the log of each. Where a stage asks for more
        than any node has, nothing is run and these stages are the failures.
    """
    if fault := shared_folder_fault(store, (resources[key] for key in plan.missing)):
        raise StoreError(fault)
    _clear(plan, store)
    name = f"launch-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    log = store.root / "logs" / f"{name}.log"
    os.environ.update({setting: os.environ.get(setting, value) for setting, value in SETTINGS.items()})
    with quiet(log, stream) as screen, Progress(plan, screen, str(log)) as progress, Interrupt() as interrupt:
        journal = Journal(store, name, progress, meanwhile)
        conductor = Conductor(plan, store, resources, progress, waves)
        launch = _Launch(name, plan, store, resources, log, conductor, journal, interrupt)
        n_workers, ahead = len(plan.missing), modules_ahead(plan, resources)
        connection = Connection(address, code, launch.say_last_words, packages, n_workers, ahead)
        launch.fit_on(connection)
    sweep_leftovers()  # also of a launch that died beside this one
    store.sweep()
    return launch.outcome()


def _clear(plan: Plan, store: Store) -> None:
    """Drop what earlier launches left: on this machine; and of what is to be built."""
    sweep_leftovers()
    store.sweep()
    gather_failures(store)
    held = store.leases.holders()
    for stage in plan.missing.values():
        if name_of(stage) in held:
            continue  # another launch builds it
        forget_failure(store, stage)
        if stage.key in plan.forced:
            store.forget_work(stage)


@dataclass
class _Launch:
    """One launch: what Tune's searcher and callback share."""

    name: str
    plan: Plan
    store: Store
    resources: Mapping[str, Resources]
    log: Path
    conductor: Conductor
    journal: Journal
    interrupt: Interrupt

    def __post_init__(self) -> None:
        self.progress = self.conductor.progress
        self.refused = False  # something asks for more than any node has: nothing was run
        self._capacity: Mapping[str, float] = {}
        self._looked_at = -CAPACITY_INTERVAL_S

    def fit_on(self, connection: Connection) -> None:
        """Run the experiment on a Ray that is there for that long; say how it ended, in whatever way."""
        end = "failed"
        tune = threading.Thread(target=import_module, args=("ray.tune",), name="tune ahead", daemon=True)
        try:
            tune.start()
            self.progress.connect(connection.start())  # which mostly waits for other processes
            tune.join()  # two threads that import modules which import one another would find half of one
            self.interrupt.listen()
            with contextlib.nullcontext() if connection.address else self._embedded():
                self.fit(connection.folder)
            end = "refused" if self.refused else "ended"
        except KeyboardInterrupt:
            self.progress.say("stopping; the same command goes on from here", style="red")
            end = "interrupted"
        finally:
            self.interrupt.ignore()
            self.journal.write(end)
            connection.stop()

    @contextlib.contextmanager
    def _embedded(self) -> Iterator[None]:
        """Let trials make the most of the few workers that one machine has."""
        asked = {self.resources[key] for key in self.plan.missing}
        with in_any_worker(), keeping_actors() if len(asked) == 1 else contextlib.nullcontext():
            yield

    def fit(self, folder: Path) -> None:
        """Run the experiment, if every stage fits somewhere; Tune keeps its own record in a folder that goes."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        for key, cause in too_large(self.plan.missing, self.resources, nodes).items():
            self.conductor.outcome.failures[key] = Failure(self.plan.missing[key], cause, str(self.log), "input")
        self.refused = bool(self.conductor.outcome.failures)
        if self.refused:
            return
        resources = self.resources  # all that Tune pickles; not the launch, which holds the terminal
        given = {"stages": self.plan.missing, "forced": self.plan.forced, "store": self.store, "resources": resources}
        given |= {"launch": self.name, "is_watched": self.progress.dashboard is not None}
        trainable = ray.tune.with_parameters(_trial, **given)
        tuner = ray.tune.Tuner(
            ray.tune.with_resources(trainable, lambda config: _bundle(resources[config["key"]])),
            tune_config=ray.tune.TuneConfig(
                search_alg=_searcher(self),
                scheduler=_scheduler(self.conductor),
                num_samples=-1,
                reuse_actors=True,
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_folder,
            ),
            run_config=ray.tune.RunConfig(
                name=self.name, storage_path=str(folder / "tune"), callbacks=[_callback(self)], verbose=0
            ),
        )
        with memory_kills_one():
            tuner.fit()

    def next(self) -> str | None:
        """Return the key of the stage to start now, if one is ready and fits."""
        if time.monotonic() - self._looked_at > CAPACITY_INTERVAL_S:
            self._capacity, self._looked_at = ray.cluster_resources(), time.monotonic()
        return self.conductor.next(self._capacity)

    def outcome(self) -> Outcome:
        """Return what was built and what failed, and whether it ended before its time."""
        outcome = self.conductor.outcome
        reached = outcome.built | descendants(self.plan.missing, outcome.failures) | self.conductor.queue.dropped
        outcome.interrupted = not self.refused and not self.plan.missing.keys() <= reached
        return outcome

    def say_last_words(self, fault: str) -> None:
        """Ray is gone, and this process is about to end, whatever its main thread does."""
        self.progress.abandon(fault)
        self.journal.write("failed: Ray is gone")

    def tick(self) -> None:
        """Time passes."""
        self.interrupt.check()
        self.progress.tick()
        self.journal.tick()


def _bundle(asked: Resources) -> Any:
    """What a trial holds; one with several workers holds next to nothing, and they hold their own."""
    return ray.tune.PlacementGroupFactory([amounts(asked) if asked.workers == 1 else {"memory": 1}])


class _Unstored:
    """Tune pickles searchers and callbacks for a restore that is never asked for: the folders are the truth."""

    def __reduce__(self) -> tuple[type, tuple]:
        return object, ()

    def __deepcopy__(self, memo: dict) -> "_Unstored":
        return self


def _searcher(launch: _Launch) -> Any:
    class GraphSearcher(_Unstored, ray.tune.search.Searcher):
        """Hands out each missing stage once."""

        def __init__(self) -> None:
            super().__init__(metric=None, mode=None)

        def suggest(self, trial_id: str) -> Any:
            launch.tick()  # Tune may ask again and again, and do nothing else, while nothing runs
            if launch.conductor.is_done():
                return ray.tune.search.Searcher.FINISHED
            key = launch.next()
            if key is None:
                return None
            trial: dict[str, Any] = {
                "key": key,
                "kind": launch.plan.stages[key].KIND,
                "title": launch.progress.titles[key],
            }
            trial |= {"wave": launch.conductor.queue.wave + 1} if launch.conductor.waves else {}
            return trial | {"attempt": launch.conductor.tries[key]}

        def on_trial_complete(self, trial_id: str, result: dict | None = None, error: bool = False) -> None:
            """The callback keeps the outcome."""

        def save(self, checkpoint_path: str) -> None:
            """Nothing to keep: the folders are the truth."""

        def restore(self, checkpoint_path: str) -> None:
            """Nothing to restore."""

    return GraphSearcher()


def _scheduler(conductor: Conductor) -> Any:
    class NewTrialsFirst(_Unstored, ray.tune.schedulers.FIFOScheduler):
        """Gives an actor that has become free to a trial that has none yet, and says in which wave a race is.

        Tune would give it to the trial that has waited longest, whose own actor is starting, and stop that
        actor; where stages are shorter than an actor's start, the second actor would never come up.
        """

        def choose_trial_to_run(self, tune_controller: Any) -> None:
            return None

        def debug_string(self) -> str:
            waves, queue = conductor.waves, conductor.queue
            if waves is None:
                return super().debug_string()
            return f"Racing: wave {queue.wave + 1} of {waves.n_waves}; {len(queue.dropped)} stages given up"

    return NewTrialsFirst()


def _callback(launch: _Launch) -> Any:
    class Follow(_Unstored, ray.tune.Callback):
        """Passes each of Ray Tune's events to the launch."""

        def on_step_begin(self, iteration: int, trials: list, **info: Any) -> None:
            launch.tick()

        def on_trial_start(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            launch.progress.start(trial.config["key"])

        def on_trial_result(self, iteration: int, trials: list, trial: Any, result: dict, **info: Any) -> None:
            launch.progress.advance(trial.config["key"], result.get("progress") or {}, result["device"])

        def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            if trial.last_result.get("built"):
                launch.conductor.built(trial.config["key"])
            elif trial.last_result.get("elsewhere"):
                launch.conductor.leave(trial.config["key"])
            else:
                launch.conductor.failed(trial.config["key"], "Tune stopped it before it was built")

        def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
            launch.conductor.failed(trial.config["key"], Path(trial.error_file).read_text(encoding="utf-8"))

    return Follow()


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
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
        ray.get_runtime_context().get_node_id(), soft=False
    )
    context = ray.data.DataContext.get_current()
    context.scheduling_strategy = context.scheduling_strategy_large_args = here


def _device(asked: Resources) -> str:
    """Return where a stage runs, say ``node7 GPU 0``; with several workers, what they hold."""
    if asked.workers > 1:
        return asked.describe()
    gpus = ",".join(map(str, ray.get_gpu_ids())) if asked.gpus else ""
    return f"{socket.gethostname()} {f'GPU {gpus}' if gpus else 'CPU'}"
