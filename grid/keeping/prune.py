"""``launch.py prune``: what nobody needs any more is listed, then removed."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from grid.keeping.contents import RESULTS, RUNS, TUNE, keyed, stored_stages
from grid.screen.journal import launches
from grid.store.drafts import writer_lives
from grid.store.place import Place
from grid.store.store import DAMAGED, DRAFTS, LOGS, TRASH, UNFINISHED, Store, StoreError

LAUNCH = "launch-"  # what the names of launches begin with
ALL = {  # goes whole, whatever it is of
    DAMAGED: "damaged (set aside)",
    RUNS: "runs (of launches that ended)",
    TUNE: "tune (of launches that ended)",
    TRASH: "trash",
}


@dataclass(frozen=True)
class Unneeded:
    """A folder or a file that nobody needs: what it is, its name in the storage, how many bytes it has."""

    place: Place
    what: str
    name: str
    bytes: int
    lease: str | None = None  # of the stage whose it is


def refuse_beside_a_launch(store: Store) -> None:
    """Raise StoreError while a launch lives on this storage: what it has planned may be what would go."""
    store.receive(store.root / RUNS)
    living = [launch.plan for launch in launches(store) if launch.end() is None]
    if living:
        names = ", ".join(f"{plan['name']} (process {plan['pid']} on {plan['host']})" for plan in living)
        raise StoreError(f"{store.where}: {names} is running on it; prune when it has ended, or stop it")


def unneeded(store: Store, keys: Collection[str], grids: Collection[str]) -> list[Unneeded]:
    """Return what may go: all that is of no stage in `keys` and of no grid in `grids`, and that nobody builds.

    Parameters
    ----------
    store : Store
    keys : collection of str
        Of the stages that are still needed, also of those that a built one hides.
    grids : collection of str
        Names of the grids whose results are kept.
    """
    found = list(_unneeded_in(store.stored, keys, grids))
    if store.mirror is not None:
        copies = _unneeded_in(store.mirror, keys, grids)
        found += [replace(each, what=f"{each.what} (copies on this machine)") for each in copies]
    busy = store.leases.holders()
    return [each for each in found if each.lease not in busy]


def _unneeded_in(stored: Place, keys: Collection[str], grids: Collection[str]) -> Iterator[Unneeded]:
    files = stored.files()
    for stage in stored_stages(files.items()):
        if stage.key not in keys:
            yield Unneeded(stored, stage.kind, stage.folder, sum(stage.files.values()), stage.lease)
    yield from _beside_stages(stored, files, keys, grids)


def _beside_stages(
    stored: Place, files: dict[str, int], keys: Collection[str], grids: Collection[str]
) -> Iterator[Unneeded]:
    """Yield what is not needed and is no stage, whole folders of the second level, each with all its files."""
    sizes: Counter[tuple[str, str]] = Counter()
    for path, size in files.items():
        place, slash, rest = path.partition("/")
        if slash:
            sizes[place, rest.partition("/")[0]] += size
    for (place, name), size in sorted(sizes.items()):
        lease = _lease(name)
        what = _what(place, name, lease, keys, grids)
        if what is not None:
            yield Unneeded(stored, what, f"{place}/{name}", size, lease if place != DAMAGED else None)


def _what(place: str, name: str, lease: str | None, keys: Collection[str], grids: Collection[str]) -> str | None:
    """Return what something is that may go, None where it stays."""
    if place in ALL:
        return ALL[place]
    if place == RESULTS:
        return None if name in grids else "results"
    if place == DRAFTS:
        return None if writer_lives(name) else "drafts (of processes that died)"
    if place == LOGS and name.startswith(LAUNCH):
        return "logs (of launches that ended)"
    if place in (UNFINISHED, LOGS) and lease is not None and keyed(name) not in keys:
        return {UNFINISHED: "unfinished work", LOGS: "logs"}[place]
    return None


def _lease(name: str) -> str | None:
    """Return the name of the lease in that of a work folder, a log or a draft."""
    return name.partition("+")[0].partition(".")[0] if keyed(name) else None


def remove(store: Store, chosen: Iterable[Unneeded], tell: Callable[[int], None] = lambda done: None) -> int:
    """Remove what was chosen, but for what somebody has begun to build since; return how many bytes went.

    A process that dies in here leaves each stage whole or gone.
    """
    went = 0
    for done, each in enumerate(chosen, 1):
        if each.lease is None or store.leases.holder(each.lease) is None:
            each.place.clear(each.name)
            went += each.bytes
        tell(done)
    return went


def unlink_lost(store: Store) -> None:
    """Remove links of results folders that lead nowhere any more, and folders that held nothing else."""
    for folder, _, _ in os.walk(store.root / RESULTS, topdown=False):
        for path in Path(folder).iterdir():
            if path.is_symlink() and not path.exists():
                path.unlink(missing_ok=True)
        if not any(Path(folder).iterdir()) and Path(folder).parent != store.root:
            Path(folder).rmdir()


def table(chosen: Iterable[Unneeded]) -> list[str]:
    """Return what would go, one line a kind: how many, how large."""
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for each in chosen:
        counts[each.what] += 1
        sizes[each.what] += each.bytes
    width = max((len(what) for what in counts), default=0)
    rows = [f"  {what:<{width}}{counts[what]:>8}{_size(sizes[what]):>12}" for what in counts]
    return [*rows, f"  {'all':<{width}}{counts.total():>8}{_size(sizes.total()):>12}"]


def _size(number: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if number >= unit / 10:
            return f"{number / unit:.2f} {name}"
    return f"{number / 1e3:.2f} kB"
