"""``launch.py verify``: the digests of all that a storage holds, read again; what is damaged is set aside."""

import json
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from grid.keeping.contents import Stored, stored_stages
from grid.stage import KEY_LENGTH, digest
from grid.store.manifest import MANIFEST, RECORD, DamagedError, FileDigest, damage
from grid.store.place import Place
from grid.store.store import Store, StoreError

THREADS = 8  # hashing and reading let go of the interpreter
GB = 1e9


@dataclass
class Verified:
    """The result of a verification.

    Attributes
    ----------
    n_stages, n_bytes, seconds
        What was read, and how long that took.
    damaged : dict of str to list of str
        By the stage's folder: one line for each fault. These stages were set aside.
    unverifiable : list of str
        Folders of stages that have no manifest: they were built before digests were kept.
    busy : dict of str to str
        Folders of stages that are being built just now, and by whom; they were not read.
    """

    n_stages: int = 0
    n_bytes: int = 0
    seconds: float = 0.0
    damaged: dict[str, list[str]] = field(default_factory=dict)
    unverifiable: list[str] = field(default_factory=list)
    busy: dict[str, str] = field(default_factory=dict)


def verify(
    store: Store,
    keys: Collection[str] | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Verified:
    """Compare the files of built stages with their manifests, and set aside the stages that are damaged.

    Parameters
    ----------
    store : Store
    keys : collection of str, optional
        Look at these stages alone; by default at all of every kind.
    tell : callable, optional
        Called now and then with the bytes that were read, and those that there are to read.
    """
    began = time.monotonic()
    place = store.stored
    stages = [each for each in stored_stages(place.files().items()) if keys is None or each.key in keys]
    holders = store.leases.holders()
    found = Verified(busy={each.folder: holders[each.lease] for each in stages if each.lease in holders})
    free = [each for each in stages if each.lease not in holders]
    with _several() as threads:
        _read(place, free, threads, found, tell)
    for each in free:
        if each.folder in found.damaged:
            _set_aside(store, place, each, found)
    found.seconds = time.monotonic() - began
    return found


@contextmanager
def _several() -> Iterator[ThreadPoolExecutor]:
    """Give threads; whoever is interrupted does not wait for what has not begun."""
    threads = ThreadPoolExecutor(THREADS)
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def set_false_records_aside(store: Store, keys: Collection[str]) -> dict[str, list[str]]:
    """Set aside the stages whose record is no record, or another's; nothing can be planned beside them.

    Returns
    -------
    dict of str to list of str
        By the stage's folder: what is wrong with its record.
    """
    place, busy = store.stored, store.leases.holders()
    found = {}
    for stage in stored_stages(place.files().items()):
        if stage.key in keys and stage.lease not in busy and (faults := list(_record_faults(place, stage))):
            found[stage.folder] = faults
            store.set_aside(store.root / stage.kind / stage.name, faults)
    return found


def _read(
    place: Place,
    stages: list[Stored],
    threads: ThreadPoolExecutor,
    found: Verified,
    tell: Callable[[int, int], None],
) -> None:
    """Read stages, all their files at once; what is wrong is kept in `found`."""
    total = sum(size for each in stages for size in each.files.values())
    looked = zip(stages, threads.map(lambda each: _look(place, each), stages), strict=True)
    tasks = []
    for each, (faults, manifest) in looked:
        found.n_stages += 1
        found.damaged |= {each.folder: faults} if faults else {}
        if manifest is None:
            found.unverifiable += [] if faults else [each.folder]
        else:
            tasks += [(each, name, manifest.get(name)) for name in _names(each, manifest)]
    damages = threads.map(lambda task: _fault(place, *task), tasks)
    for (each, name, _), fault in zip(tasks, damages, strict=True):
        found.n_bytes += each.files.get(name, 0)
        tell(found.n_bytes, total)
        if fault is not None:
            found.damaged.setdefault(each.folder, []).append(fault)


def _look(place: Place, stage: Stored) -> tuple[list[str], dict[str, FileDigest] | None]:
    """Return what is wrong with a stage's record and manifest, and the manifest, None where there is none."""
    faults = list(_record_faults(place, stage))
    try:
        return faults, place.manifest(stage.folder)
    except DamagedError as error:
        return [*faults, *error.damages], None
    except StoreError:
        raise
    except OSError as error:
        return [*faults, f"{MANIFEST} cannot be read ({error.strerror or error})"], None


def _fault(place: Place, stage: Stored, name: str, expected: FileDigest | None) -> str | None:
    """Return what is wrong with a file in one line, None where nothing is."""
    return damage(name, expected, stage.files.get(name), lambda: place.digest(f"{stage.folder}/{name}"))


def _record_faults(place: Place, stage: Stored) -> Iterator[str]:
    if RECORD not in stage.files:
        yield f"{RECORD} is missing"
        return
    try:
        record = json.loads(place.read(f"{stage.folder}/{RECORD}") or "")
        found = digest(record)
    except (ValueError, RecursionError) as error:
        yield f"{RECORD} is not JSON ({error})"
    except StoreError:
        raise
    except OSError as error:
        yield f"{RECORD} cannot be read ({error.strerror or error})"
    else:
        if found[:KEY_LENGTH] != stage.key or _kind(record) != stage.kind:
            its = f"{_kind(record)} {found[:KEY_LENGTH]}"
            yield f"{RECORD} is another record than its name says: {its}, where {stage.kind} {stage.key} is expected"


def _kind(record: Any) -> Any:
    return record.get("kind") if isinstance(record, dict) else None


def _names(stage: Stored, manifest: dict[str, FileDigest]) -> list[str]:
    return sorted((manifest.keys() | stage.files.keys()) - {MANIFEST, RECORD})


def _set_aside(store: Store, place: Place, stage: Stored, found: Verified) -> None:
    """Take a damaged stage away, unless it was rebuilt or removed while it was being read."""
    with _several() as threads:
        again = Verified()
        there = stored_stages(place.files(stage.folder).items())
        if store.leases.holder(stage.lease) is None:
            _read(place, there, threads, again, lambda done, total: None)
    if not again.damaged:
        del found.damaged[stage.folder]
        return
    found.damaged |= again.damaged
    store.set_aside(store.root / stage.kind / stage.name, found.damaged[stage.folder])


def report(found: Verified, where: str) -> list[str]:
    """Return what was found, in lines."""
    amount = f"{found.n_bytes / GB:.2f} GB" if found.n_bytes >= GB / 100 else f"{found.n_bytes / 1e6:.2f} MB"
    lines = [f"{where}: {_stages(found.n_stages)}, {amount} read in {found.seconds:.1f} s"]
    lines += [f"{folder}/{fault}" for folder, faults in found.damaged.items() for fault in faults]
    lines += [f"{folder}: not read: it is being built by {holder}" for folder, holder in found.busy.items()]
    lines += [f"{folder}: built before digests were kept: cannot be verified" for folder in found.unverifiable]
    if found.damaged:
        damaged = (
            f"{len(found.damaged)} of {_stages(found.n_stages)} {'is' if len(found.damaged) == 1 else 'are'} damaged"
        )
        lines.append(f"{damaged}, and set aside in damaged/, so that nothing uses them;")
        lines.append("the next run of a config that needs them rebuilds just those.")
    elif not found.n_stages:
        lines.append("There is nothing to verify.")
    elif not found.unverifiable:
        lines.append("All are whole.")
    return lines


def _stages(number: int) -> str:
    return f"{number} stage{'' if number == 1 else 's'}"
