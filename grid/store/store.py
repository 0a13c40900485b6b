"""Folders named by key: a folder that has its final name is whole."""

import json
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from grid.stage import KEY_LENGTH, Stage, digest
from grid.store.drafts import draft_name, writer_lives
from grid.store.leases import Leases
from grid.store.manifest import MANIFEST, RECORD, DamagedError, damages, manifest_of
from grid.store.place import TRASH, Folder, Place
from grid.store.writing import sync, sync_tree, write_json, write_text

__all__ = ["RECORD", "TRASH", "DamagedError", "Store", "StoreError", "write_json", "write_text"]

DRAFTS, UNFINISHED, DAMAGED, LEASES, LOGS = "drafts", "unfinished", "damaged", "leases", "logs"
DAMAGE = "damage.json"
LABEL_BYTES = 120  # of a folder's name, which file systems limit to 255
LOOKS = 16  # at small files, at a time


class StoreError(RuntimeError):
    """Something in the store is not what its name says."""


@dataclass(frozen=True)
class Store:
    """A place with one folder a kind of stage, and in it one a stage: ``<label>-<key>``.

    The key alone says which stage a folder is; the label is for people, and may change.
    A stage is built in a draft folder under `root`; its record is written last; then the draft is renamed.
    """

    root: Path

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}  # leases are each process's own

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @cached_property
    def stored(self) -> Place:
        """The place that other machines see, too: `root` itself."""
        return Folder(self.root)

    @property
    def mirror(self) -> Place | None:
        """What this machine has copied, where `stored` lies elsewhere."""
        return None

    @property
    def where(self) -> str:
        """The storage's name in messages."""
        return self.stored.location

    @cached_property
    def leases(self) -> Leases:
        """Who builds what just now, over all launches and machines."""
        return Leases(self.stored.within(LEASES))

    def folder(self, stage: Stage) -> Path:
        """Return where the stage lies, or will lie."""
        named = self.root / stage.KIND / f"{_safe(stage.label())}-{stage.key}"
        if named.exists():
            return named
        return next((self.root / stage.KIND).glob(f"*-{stage.key}"), named)  # built under another label

    def peek(self, stage: Stage) -> Path:
        """Return where the stage lies on this machine, if it does; nothing is fetched."""
        return self.folder(stage)

    def place(self, path: Path) -> str:
        """Return what people call a file or a folder under `root`."""
        return f"{self.where}/{path.relative_to(self.root).as_posix()}"

    def stands(self, path: Path) -> bool:
        """Tell whether a file under `root` is where other machines see it."""
        return self.stored.has(path.relative_to(self.root).as_posix())

    def texts(self, kind: str, keys: Iterable[str], name: str) -> dict[str, str]:
        """Return a small file of built stages by key, of those that stand; nothing else of them is fetched."""
        named = self._list(kind)
        folders = {key: f"{kind}/{named[key]}" for key in keys if key in named}

        def text(folder: str) -> str | None:
            return self.stored.read(f"{folder}/{name}") if self.stored.has(f"{folder}/{RECORD}") else None

        with ThreadPoolExecutor(LOOKS) as threads:
            found = zip(folders, threads.map(text, folders.values()), strict=True)
            return {key: text for key, text in found if text is not None}

    def verified(self, stage: Stage) -> Path:
        """Return where a built stage lies, once its files were compared with its manifest (once a process).

        Raises
        ------
        DamagedError
            If one of them is not what was written; the folder is then set aside, and the next plan rebuilds it.
        """
        folder = self.folder(stage)
        found = _damages_once(folder, _stamp(folder))
        if found:
            self.set_aside(folder, found)
            raise DamagedError(folder, found, "it was set aside, and is built again by the same command")
        return folder

    def holds(self, stage: Stage) -> bool:
        """Tell whether the stage is built.

        Raises
        ------
        StoreError
            If the folder holds another record than its name says.
        """
        name = self._named(stage)
        return name is not None and self._holds(stage, name)

    def held(self, stages: Iterable[Stage]) -> set[str]:
        """Return the keys of those stages that are built.

        Raises
        ------
        StoreError
            If a folder holds another record than its name says.
        """
        stages = list(stages)
        named = {kind: self._list(kind) for kind in {stage.KIND for stage in stages}}
        there = [stage for stage in stages if stage.key in named[stage.KIND]]
        with ThreadPoolExecutor(LOOKS) as threads:
            are_held = list(threads.map(lambda stage: self._holds(stage, named[stage.KIND][stage.key]), there))
        return {stage.key for stage, is_held in zip(there, are_held, strict=True) if is_held}

    def set_aside(self, folder: Path, found: Iterable[str]) -> None:
        """Take a damaged folder away from where it would be used; what was found goes beside it."""
        name = f"{folder.parent.name}/{folder.name}"
        aside = f"{DAMAGED}/{folder.parent.name}-{folder.name[-KEY_LENGTH:]}"
        self.stored.clear(aside)
        if self.stored.move(name, aside):  # else another process found it, too
            record = {"folder": name, "damages": list(found)}
            self.stored.write(f"{aside}/{DAMAGE}", json.dumps(record, indent=2, ensure_ascii=False))

    def set_aside_keys(self) -> set[str]:
        """Return the keys of the stages that were found damaged and are not built again yet."""
        return set(self._list(DAMAGED))

    def work(self, stage: Stage) -> Path:
        """Return a folder for what must outlive a crash (checkpoints); it goes when the stage stands."""
        folder = self._work(stage)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def forget_work(self, stage: Stage) -> None:
        """Drop what an unfinished build left, so that the next one starts anew."""
        self._drop_work(name_of(stage))

    def log(self, stage: Stage) -> Path:
        """Return the file that what a stage prints goes to."""
        return self.root / LOGS / f"{name_of(stage)}.log"

    def failure(self, stage: Stage) -> Path:
        """Return the file that says why the last build of a stage failed; there is none where it did not."""
        return self.log(stage).with_suffix(".failed.json")

    def share(self, path: Path) -> None:
        """Let other machines see a file under `root`; in a folder they do."""

    def receive(self, path: Path) -> None:
        """Bring a file under `root` that another machine shared; in a folder it is there."""

    def publish(self, folder: Path) -> None:
        """Let other machines see a folder of results; in a folder they do."""

    @contextmanager
    def draft(self, stage: Stage, provenance: dict[str, Any]) -> Iterator[Path]:
        """Give an empty folder to build in; rename it to its final name when the block ends well.

        Parameters
        ----------
        stage : Stage
            What is built. One that stood already (a forced rebuild) is replaced.
        provenance : dict
            What is known beside the record; the caller may fill it until the block ends.
        """
        draft = self.root / DRAFTS / draft_name(name_of(stage))
        for former in draft.parent.glob(f"{name_of(stage)}+*"):
            shutil.rmtree(former, ignore_errors=True)  # of the dead: who builds a stage holds its lease
        draft.mkdir(parents=True)
        try:
            yield draft
            write_json(draft / "provenance.json", provenance)
            write_json(draft / MANIFEST, manifest_of(draft))
            write_json(draft / RECORD, stage.record)
            sync_tree(draft)
            self._take(draft, self.folder(stage))
            self.forget_work(stage)
            self.stored.clear(f"{DAMAGED}/{name_of(stage)}")
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what the dead left: their leases and drafts, checkpoints of stages that stand, trash."""
        with suppress(OSError):  # a full disk, say
            self.leases.holders()  # clears away what has expired
        for draft in (self.root / DRAFTS).glob("*"):
            if writer_lives(draft.name) is False:
                shutil.rmtree(draft, ignore_errors=True)
        works = {*self.stored.names(UNFINISHED), *Folder(self.root).names(UNFINISHED)}
        named = {kind: self._list(kind) for kind in {name.rpartition("-")[0] for name in works}}
        for name in works:
            kind, _, key = name.rpartition("-")
            folder = named[kind].get(key)
            stands = folder is not None and self.stored.has(f"{kind}/{folder}/{RECORD}")
            if stands and self.leases.holder(name) is None:  # not under way: a forced rebuild, say
                self._drop_work(name)
        shutil.rmtree(self.root / TRASH, ignore_errors=True)

    def _list(self, kind: str) -> dict[str, str]:
        """Return the names of the folders of a kind by key, of stages that stand and of such as do not."""
        return {name[-KEY_LENGTH:]: name for name in self.stored.names(kind)}

    def _named(self, stage: Stage) -> str | None:
        """Return the name that the stage's folder has, under whatever label; None if there is none."""
        return self.folder(stage).name

    def _holds(self, stage: Stage, name: str) -> bool:
        path = f"{stage.KIND}/{name}/{RECORD}"
        text = self.stored.read(path)
        if text is None:
            return False
        try:
            found = digest(json.loads(text))
        except ValueError as error:
            fault = f"is not JSON ({error}); python launch.py verify sets it aside"
            raise StoreError(f"{self.where}/{path} {fault}") from error
        if found != digest(stage.record):
            fault = "is another record than its name says; python launch.py verify sets it aside"
            raise StoreError(f"{self.where}/{path} {fault}")
        return True

    def _work(self, stage: Stage) -> Path:
        return self.root / UNFINISHED / name_of(stage)

    def _drop_work(self, name: str) -> None:
        shutil.rmtree(self.root / UNFINISHED / name, ignore_errors=True)

    def _take(self, draft: Path, final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.rename(final)
        except OSError:  # it stands: a folder that is not empty cannot be renamed over
            aside = draft.with_name(f"{draft.name}-replaced")
            final.rename(aside)
            draft.rename(final)
            shutil.rmtree(aside, ignore_errors=True)
        sync(final.parent)


def name_of(stage: Stage) -> str:
    """Return the name of a stage's lease, log and work folder."""
    return f"{stage.KIND}-{stage.key}"


def _stamp(folder: Path) -> tuple[int, ...]:
    """Tell one state of a folder from another that has its name."""
    try:
        status = (folder / RECORD).stat()
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_mtime_ns


@cache
def _damages_once(folder: Path, stamp: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(damages(folder))


def _safe(label: str) -> str:
    name = "".join(c if c.isalnum() or c in "-_.+" else "_" for c in label)
    return name.encode()[:LABEL_BYTES].decode(errors="ignore")
