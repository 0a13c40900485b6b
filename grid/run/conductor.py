"""The decisions of a launch while it runs: which stage next, what is tried again, what other launches build."""

import socket
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from grid.plan.plan import Plan
from grid.plan.waves import Waves
from grid.run.failures import Failure, read_failure, set_log_aside
from grid.run.limits import oom_kills
from grid.run.queue import Queue
from grid.screen.progress import Progress
from grid.stage import Resources, Stage
from grid.store.store import Store, name_of

LOOK_INTERVAL_S = 2.0  # between looks at what others build
IDLE_S = 30.0  # with work to do and nothing under way, until it is said


@dataclass
class Outcome:
    """The outcome of a launch: the stages that were built, and the failures."""

    built: set[str] = field(default_factory=set)
    failures: dict[str, Failure] = field(default_factory=dict)
    interrupted: bool = False  # something is neither built, nor failed, nor hangs on what failed
    elsewhere: set[str] = field(default_factory=set)  # of what is built, what another launch did


class Conductor:
    """Keeps track of the stages of one launch: ready, running, built, failed, or left to other launches.

    Parameters
    ----------
    plan : Plan
        What to build.
    store : Store
        Where to; other launches may build into it at the same time.
    resources : mapping of str to Resources
        What each stage asks for, by key.
    progress : Progress
        Receives what happens.
    waves : Waves, optional
        In which the stages come.
    """

    def __init__(
        self,
        plan: Plan,
        store: Store,
        resources: Mapping[str, Resources],
        progress: Progress,
        waves: Waves | None = None,
    ) -> None:
        self.plan, self.store, self.resources, self.progress = plan, store, resources, progress
        self.waves = waves
        self.queue = Queue(plan, resources, waves.of if waves else None)
        self.outcome = Outcome()
        self.tries: Counter[str] = Counter()
        self._elsewhere: set[str] = set()
        self._looked_at = time.monotonic()
        self._oom_kills = oom_kills()
        self._idle_since: float | None = None

    def next(self, capacity: Mapping[str, float]) -> str | None:
        """Return the key of the stage to start now, None where all that are ready must wait."""
        self._look_elsewhere()
        while (key := self._taken(capacity)) is None and self.waves and self._wave_ends(self.waves):
            pass
        if key is None:
            self._say_if_idle(capacity)
        return key

    def _taken(self, capacity: Mapping[str, float]) -> str | None:
        """Return the key of a stage that is ready, fits, and is built by nobody else."""
        while (key := self.queue.take(capacity)) is not None:
            stage = self.plan.stages[key]
            if self._stands(stage):
                self._built_elsewhere(key)
            elif (holder := self.store.leases.holder(name_of(stage))) is not None:
                if self.tries[key]:  # its own worker, which was killed and is not gone yet
                    self._wait_for(key)
                else:
                    self.leave(key, holder)
            else:
                self.tries[key] += 1
                self._idle_since = None
                return key
        return None

    def _wave_ends(self, waves: Waves) -> bool:
        """Where a wave is done, give up what nobody wants any more, and open the next; False where it is not done."""
        if self._elsewhere or self.queue.is_empty() or not self.queue.is_wave_done():
            return False
        dropped = waves.between(self.queue.wave, self.queue.lost)
        self.queue.drop(dropped)
        self.progress.drop(self.queue.dropped)
        done, given_up = f"wave {self.queue.wave + 1} of {waves.n_waves} is done", len(self.queue.dropped)
        self.progress.say(f"{done}; {given_up} stages are given up so far")
        self.queue.open_wave()
        return True

    def is_done(self) -> bool:
        """Tell whether nothing is left to begin, now or later: what runs may have to be tried again."""
        return self.queue.is_empty() and not self.queue.is_busy()

    def built(self, key: str) -> None:
        """Note that a stage is built."""
        self.outcome.built.add(key)
        self.queue.built(key)
        self.progress.finish(key)

    def failed(self, key: str, died: str) -> None:
        """Note that a stage failed, by what it said or as its worker died; what may pass is tried again."""
        stage = self.plan.stages[key]
        if self._stands(stage):  # its worker died just after it was done
            return self.built(key)
        failure = read_failure(self.store, stage, died, self.tries[key], self._was_killed_for_memory(key))
        again = self._another_way(stage, failure) if self.tries[key] <= self.resources[key].retries else None
        if again is None:
            self.outcome.failures[key] = failure
            self.queue.failed(key)
            return self.progress.finish(key, failure.cause)
        set_log_aside(self.store, stage, self.tries[key])
        count = f"{self.tries[key]} of {self.resources[key].retries}"
        self.progress.retry(key, f"{failure.cause.partition(chr(10))[0]}; {again} (retry {count})")
        return self.queue.put_back(key)

    def leave(self, key: str, holder: str = "") -> None:
        """Wait for a stage that another launch builds."""
        if not self._elsewhere:
            who = holder or "another launch"
            self.progress.say(f"{who} works on this storage, too: what it builds is waited for, and not done twice")
        self._wait_for(key)

    def _wait_for(self, key: str) -> None:
        self._elsewhere.add(key)
        self.queue.leave(key)
        self.progress.leave(key)

    def _say_if_idle(self, capacity: Mapping[str, float]) -> None:
        """Say once that nodes went away without which nothing can go on."""
        if self.queue.is_busy() or self.queue.is_empty() or self._elsewhere:
            self._idle_since = None
            return
        if self._idle_since is None:
            self._idle_since = time.monotonic()
        if self._idle_since < time.monotonic() - IDLE_S:
            there = ", ".join(f"{capacity.get(name, 0):g} {name}" for name in ("CPU", "GPU"))
            self.progress.say(f"nothing runs: no stage fits what the cluster has left ({there}); waiting for nodes")
            self._idle_since = float("inf")

    def _another_way(self, stage: Stage, failure: Failure) -> str | None:
        """Return how the next try differs, None where there is none to be hoped for."""
        if not failure.may_pass:
            return None
        if failure.kind == "lost":
            return "it is tried again"
        work = self.store.work(stage)
        lighter = stage.shrink_batch(work)
        self.store.share(work)
        if lighter is None and failure.kind == "memory":
            return "it is tried again as it is"  # what ran beside it may have taken the memory
        return lighter

    def _was_killed_for_memory(self, key: str) -> bool:
        """Tell whether the kernel has killed a process for its memory on this machine, where the stage ran."""
        before, self._oom_kills = self._oom_kills, oom_kills()
        running = self.progress.running.get(key)
        is_here = running is not None and running.device.startswith(socket.gethostname())
        return is_here and self._oom_kills > before

    def _look_elsewhere(self) -> None:
        """See what has become of the stages that others build."""
        if not self._elsewhere or time.monotonic() - self._looked_at < LOOK_INTERVAL_S:
            return
        self._looked_at = time.monotonic()
        held = self.store.leases.holders()
        for key in sorted(self._elsewhere):
            stage = self.plan.stages[key]
            if self._stands(stage):
                self._elsewhere.discard(key)
                self._built_elsewhere(key)
            elif name_of(stage) not in held:  # it failed there, or its builder died
                self._elsewhere.discard(key)
                self.queue.put_back(key)

    def _stands(self, stage: Stage) -> bool:
        return stage.key not in self.plan.forced and self.store.holds(stage)

    def _built_elsewhere(self, key: str) -> None:
        self.outcome.built.add(key)
        self.outcome.elsewhere.add(key)
        self.queue.built(key)
        self.progress.stands(key)
