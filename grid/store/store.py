"""Folders named by key: a folder that has its final name is whole."""

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grid.stage import KEY_LENGTH, Stage, digest
from grid.store.drafts import draft_name, writer_lives
from grid.store.manifest import MANIFEST, RECORD, DamagedError, damages, manifest_of

if TYPE_CHECKING:
    from grid.store.leases import Leases

__all__ = ["RECORD", "DamagedError", "Store", "StoreError", "write_json", "write_text"]

DRAFTS, UNFINISHED, DAMAGED, LEASES, TRASH, LOGS = "drafts", "unfinished", "damaged", "leases", "trash", "logs"
DAMAGE = "damage.json"
LABEL_BYTES = 120  # of a folder's name, which file systems limit to 255


class StoreError(RuntimeError):
    """Something in the store is not what its name says."""


@dataclass(frozen=True)
class Store:
    """A folder with one sub-folder a kind of stage, and in it one a stage: ``<label>-<key>``.

    The key alone says which stage a folder is; the label is for people, and may change.
    A stage is built in a draft folder; its record is written last; then the draft is renamed.
    """

    root: Path

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}  # leases are each process's own

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def where(self) -> str:
        """What people call the place."""
        return str(self.root)

    @cached_property
    def leases(self) -> "Leases":
        """Who builds what just now, over all launches and machines."""
        from grid.store.leases import Leases
        from grid.store.shelf import FolderShelf

        return Leases(FolderShelf(self.root / LEASES))

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
        return path.exists()

    def texts(self, kind: str, keys: Iterable[str], name: str) -> dict[str, str]:
        """Return a small file of built stages by key, of those that stand; nothing else of them is fetched."""
        folders = {folder.name[-KEY_LENGTH:]: folder for folder in (self.root / kind).glob("*")}
        there = {key: folders[key] for key in keys if key in folders and (folders[key] / RECORD).exists()}
        return {key: (folder / name).read_text(encoding="utf-8") for key, folder in there.items()}

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
        path = self.folder(stage) / RECORD
        try:
            stored = digest(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return False
        except ValueError as error:
            raise StoreError(f"{path} is not JSON ({error}); python launch.py --verify sets it aside") from error
        if stored != digest(stage.record):
            raise StoreError(f"{path} is another record than its name says; python launch.py --verify sets it aside")
        return True

    def held(self, stages: Iterable[Stage]) -> set[str]:
        """Return the keys of those stages that are built.

        Raises
        ------
        StoreError
            If a folder holds another record than its name says.
        """
        stages = list(stages)
        listed = {kind: _keys_in(self.root / kind) for kind in {stage.KIND for stage in stages}}
        return {stage.key for stage in stages if stage.key in listed[stage.KIND] and self.holds(stage)}

    def set_aside(self, folder: Path, found: Iterable[str]) -> None:
        """Take a damaged folder away from where it would be used; what was found goes beside it."""
        aside = self.root / DAMAGED / f"{folder.parent.name}-{folder.name[-KEY_LENGTH:]}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process found it, too
            folder.rename(aside)
            write_json(aside / DAMAGE, {"folder": f"{folder.parent.name}/{folder.name}", "damages": list(found)})

    def set_aside_keys(self) -> set[str]:
        """Return the keys of the stages that were found damaged and are not built again yet."""
        return _keys_in(self.root / DAMAGED)

    def work(self, stage: Stage) -> Path:
        """Return a folder for what must outlive a crash (checkpoints); it goes when the stage stands."""
        folder = self._work(stage)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def forget_work(self, stage: Stage) -> None:
        """Drop what an unfinished build left, so that the next one starts anew."""
        shutil.rmtree(self._work(stage), ignore_errors=True)

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
            _sync_tree(draft)
            self._take(draft, self.folder(stage))
            self.forget_work(stage)
            shutil.rmtree(self.root / DAMAGED / name_of(stage), ignore_errors=True)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what the dead left: their leases and drafts, checkpoints of stages that stand, trash."""
        with suppress(OSError):  # a full disk, say
            self.leases.holders()  # clears away what has expired
        for draft in (self.root / DRAFTS).glob("*"):
            if writer_lives(draft.name) is False:
                shutil.rmtree(draft, ignore_errors=True)
        for work in (self.root / UNFINISHED).glob("*"):
            kind, _, key = work.name.rpartition("-")
            stands = any((self.root / kind).glob(f"*-{key}/{RECORD}"))
            if stands and self.leases.holder(work.name) is None:  # not under way: a forced rebuild, say
                shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(self.root / TRASH, ignore_errors=True)

    def _work(self, stage: Stage) -> Path:
        return self.root / UNFINISHED / name_of(stage)

    def _take(self, draft: Path, final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.rename(final)
        except OSError:  # it stands: a folder that is not empty cannot be renamed over
            aside = draft.with_name(f"{draft.name}-replaced")
            final.rename(aside)
            draft.rename(final)
            shutil.rmtree(aside, ignore_errors=True)
        _sync(final.parent)


def name_of(stage: Stage) -> str:
    """Return the name of a stage's lease, log and work folder."""
    return f"{stage.KIND}-{stage.key}"


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all: to a neighbour, flushed to disk, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with neighbour.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        neighbour.replace(path)
    finally:
        neighbour.unlink(missing_ok=True)


def _keys_in(folder: Path) -> set[str]:
    return {child.name[-KEY_LENGTH:] for child in folder.iterdir()} if folder.exists() else set()


def _stamp(folder: Path) -> tuple[int, ...]:
    """Tell one state of a folder from another that has its name."""
    try:
        told = (folder / RECORD).stat()
    except FileNotFoundError:
        return ()
    return told.st_ino, told.st_mtime_ns


@cache
def _damages_once(folder: Path, stamp: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(damages(folder))


def _sync_tree(folder: Path) -> None:
    """Flush a folder to disk, so that a power cut after the rename finds it whole."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent), *(Path(parent, name) for name in names)):
            if not path.is_symlink():
                _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _safe(label: str) -> str:
    name = "".join(c if c.isalnum() or c in "-_.+" else "_" for c in label)
    return name.encode()[:LABEL_BYTES].decode(errors="ignore")
