"""One launch: a graph of stages is built, as trials of Ray Tune (see `grid.run.trials`)."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO

from grid.plan.plan import Plan, descendants
from grid.plan.waves import Waves
from grid.run.build import BuildContext, build_stage, versions
from grid.run.cluster import SETTINGS, Connection
from grid.run.conductor import Conductor, Outcome
from grid.run.failures import Failure, forget_failure, gather_failures
from grid.run.leftovers import sweep_leftovers
from grid.run.queue import modules_ahead, too_large
from grid.run.ray_private import in_any_worker, keeping_actors
from grid.screen.journal import Journal
from grid.screen.progress import Progress
from grid.screen.terminal import Interrupt, quiet
from grid.stage import Resources
from grid.store.remote import shared_folder_fault
from grid.store.store import Store, StoreError, name_of

__all__ = ["BuildContext", "Failure", "Outcome", "build_stage", "run", "versions"]


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
    """One launch: what it builds, where it is followed, how it ends."""

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
        from grid.run import trials  # Ray, which `_Launch.fit_on` sees imported while the cluster comes up

        for key, cause in too_large(self.plan.missing, self.resources, trials.nodes()).items():
            self.conductor.outcome.failures[key] = Failure(self.plan.missing[key], cause, str(self.log), "input")
        self.refused = bool(self.conductor.outcome.failures)
        if not self.refused:
            trials.fit(self.name, self.conductor, self.tick, folder / "tune")

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
