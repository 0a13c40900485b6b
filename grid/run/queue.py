"""Which stage next: one of each sort early, then the longest chain, as much at once as fits, nothing starved."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from itertools import chain

from grid.plan.plan import Plan, descendants
from grid.stage import Resources, Stage

SCARCE = ("GPU", "memory", "CPU")  # of what a stage lacks, the first is what it really waits for
ROUNDING = 1e-6
OF_TRIALS = ("ray.tune", "grid.run.trials")  # what a worker imports for any stage
FIRST = 2  # of each pace go before all others: one alone tells little of how long they take


class Queue:
    """The missing stages of a plan, handed out once their inputs are built.

    The `FIRST` of each pace (see `Stage.pace`) go before all others once they are ready: what cannot work fails after
    one chain and not after the beginnings of all, and from then on it is known how long each sort takes.

    Parameters
    ----------
    plan : Plan
        What to build.
    asked : mapping of str to Resources
        What each stage asks for, by key.
    waves : mapping of str to int, optional
        Key -> the wave that a stage is of; later ones are not handed out before `open_wave`.
    """

    def __init__(self, plan: Plan, asked: Mapping[str, Resources], waves: Mapping[str, int] | None = None) -> None:
        self.missing = plan.missing
        self.asked = asked
        self.wave = 0
        self.dropped: set[str] = set()  # nobody wants them any more
        self._wave_of = waves or {}
        self._later: list[str] = []  # ready, but of a later wave
        self.lost: set[str] = set()  # failed, or hanging on what failed
        self._needs = {
            key: {source.key for source in stage.waits_for} & plan.missing.keys() for key, stage in plan.missing.items()
        }
        self._dependents: dict[str, list[str]] = defaultdict(list)
        for key, sources in self._needs.items():
            for source in sources:
                self._dependents[source].append(key)
        self._ranks = self._rank()
        self._first_of: dict[str, list[str]] = defaultdict(list)  # pace -> the first of its stages that were ready
        self._waiting = set(plan.missing)
        self._running: dict[str, Resources] = {}
        self._used: Counter[Resources] = Counter()  # how many that run ask for the same
        self._ended: Resources | None = None  # what the last stage that ended had asked for
        self._ready: dict[Resources, list[tuple[int, int, str]]] = defaultdict(list)  # heaps, one for each size
        for key in sorted((key for key, sources in self._needs.items() if not sources), key=self._ranks.__getitem__):
            self._push(key)

    def take(self, capacity: Mapping[str, float]) -> str | None:
        """Return the key of the stage to start now, or None where all that are ready must wait.

        A stage that lacks a resource holds back lower ones that would take more of that resource, so that
        small stages do not starve a large one; those that do not touch it pass.

        Parameters
        ----------
        capacity : mapping of str to float
            What the cluster has in all, by Ray's names.
        """
        free = Counter({name: capacity.get(name, 0) + ROUNDING for name in SCARCE})
        for resources, count in self._used.items():
            free.subtract({name: count * amount for name, amount in amounts(resources).items()})
        held_back: set[str] = set()
        for resources in sorted(filter(self._ready.get, self._ready), key=self._urgency):
            asked = amounts(resources)
            lacking = [name for name in SCARCE if asked.get(name, 0) > free[name]]
            if lacking:
                held_back.add(lacking[0])
            elif not held_back & asked.keys():
                return self._pop(resources)
        return None

    def built(self, key: str) -> None:
        """Note that a stage is built: what waited for it alone is ready."""
        self._ended = self._stop(key)
        self._waiting.discard(key)  # one that was left may be built by somebody else
        for dependent in self._dependents[key]:
            self._needs[dependent].discard(key)
            if not self._needs[dependent] and dependent in self._waiting:
                self._push(dependent)

    def failed(self, key: str) -> None:
        """Note that a stage failed: what depends on it is never handed out."""
        self._stop(key)
        self.lost |= descendants(self.missing, [key])
        self._waiting -= self.lost

    def leave(self, key: str) -> None:
        """Give back a stage that was taken and is not built here; it is not ready until it is put back."""
        self._stop(key)
        self._waiting.add(key)

    def put_back(self, key: str) -> None:
        """Make a stage that was taken, or left, ready again."""
        self.leave(key)
        self._push(key)

    def is_empty(self) -> bool:
        """Tell whether nothing is left to hand out, now or later."""
        return not self._waiting

    def is_busy(self) -> bool:
        """Tell whether something that was handed out has not ended: it may be put back."""
        return bool(self._running)

    def is_wave_done(self) -> bool:
        """Tell whether nothing of the open waves is left to hand out, or under way."""
        return not any(self._wave_of.get(key, 0) <= self.wave for key in (*self._waiting, *self._running))

    def open_wave(self) -> None:
        """Let stages of the next wave be handed out."""
        self.wave += 1
        later, self._later = self._later, []
        for key in later:
            if key in self._waiting:
                self._push(key)

    def drop(self, keys: Set[str]) -> None:
        """Give up stages that nobody wants any more; what is under way goes on."""
        self.dropped |= keys & self._waiting
        self._waiting -= keys

    def _rank(self) -> dict[str, tuple[int, int]]:
        """Longest chain of what hangs on a stage first, then the plan's order."""
        heights: dict[str, int] = {}
        for key in reversed(self.missing):
            heights[key] = 1 + max((heights[dependent] for dependent in self._dependents[key]), default=0)
        return {key: (-heights[key], place) for place, key in enumerate(self.missing)}

    def _urgency(self, resources: Resources) -> tuple[int, bool, int]:
        """Of chains of one length, first those whose next stage can take over an actor of its size."""
        height, place, _ = self._ready[resources][0]
        return height, resources != self._ended, place

    def _push(self, key: str) -> None:
        if self._wave_of.get(key, 0) > self.wave:
            self._later.append(key)
            return
        heapq.heappush(self._ready[self.asked[key]], (*self._urgency_of(key), key))

    def _urgency_of(self, key: str) -> tuple[int, int]:
        """Return its rank; of the first of a pace one before all ranks, the nearest to the end of its chain first."""
        height, place = self._ranks[key]
        first, most = self._first_of[self.missing[key].pace()], len(self.missing) + 1
        if len(first) < FIRST and key not in first:
            first.append(key)
        if key not in first:
            return height, place
        return -height - most * (1 + FIRST - first.index(key)), place

    def _pop(self, resources: Resources) -> str:
        key = heapq.heappop(self._ready[resources])[-1]
        self._waiting.remove(key)
        self._running[key] = resources
        self._used[resources] += 1
        return key

    def _stop(self, key: str) -> Resources | None:
        """Forget that a stage runs, and return what it asked for, if it did."""
        resources = self._running.pop(key, None)
        if resources is not None:
            self._used[resources] -= 1
        return resources


def amounts(resources: Resources) -> dict[str, float]:
    """Return what is asked for in all by Ray's names, without what is not asked for."""
    return {name: amount * resources.workers for name, amount in of_one_worker(resources).items()}


def of_one_worker(resources: Resources) -> dict[str, float]:
    """Return what one worker asks for, which a single node must have."""
    asked = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory_gb * 1e9}
    return {name: amount for name, amount in asked.items() if amount}


def too_large(
    stages: Mapping[str, Stage], asked: Mapping[str, Resources], nodes: Sequence[Mapping[str, float]]
) -> dict[str, str]:
    """Return why some stages can never run: a worker asks for more than any node has, or all of them for more than all.

    Parameters
    ----------
    stages : mapping of str to Stage
        What has to be built, by key.
    asked : mapping of str to Resources
        What each asks for.
    nodes : sequence of mapping of str to float
        What each node has, by Ray's names.
    """
    fitting = {size: _places(size, nodes) >= size.workers for size in {asked[key] for key in stages}}
    there = " or ".join(sorted({_describe(node) for node in nodes}))
    return {
        key: f"{stage.KIND} asks for {asked[key].describe()}, but a node has {there}; let it ask for less"
        for key, stage in stages.items()
        if not fitting[asked[key]]
    }


def modules_ahead(plan: Plan, asked: Mapping[str, Resources]) -> list[str]:
    """Return what workers import while their launch does so, too: what trials and the first stages take.

    Parameters
    ----------
    plan : Plan
        What to build.
    asked : mapping of str to Resources
        What each stage asks for, by key. Where one has several CPUs there is nothing: what is imported counts its
        threads then, once for all stages.
    """
    if any(asked[key].cpus >= 2 for key in plan.missing):
        return []
    first = [stage for stage in plan.missing.values() if not any(one.key in plan.missing for one in stage.waits_for)]
    of_first = chain.from_iterable((type(stage).__module__, *stage.AHEAD) for stage in first)
    return list(dict.fromkeys([*OF_TRIALS, *of_first]))


def _places(size: Resources, nodes: Sequence[Mapping[str, float]]) -> int:
    """Return how many workers of this size the nodes have room for."""
    asked = of_one_worker(size)
    return sum(min(int(node.get(name, 0) / amount + ROUNDING) for name, amount in asked.items()) for node in nodes)


def _describe(node: Mapping[str, float]) -> str:
    return Resources(node.get("CPU", 0), node.get("GPU", 0), round(node.get("memory", 0) / 1e9, 1)).describe()
