"""Folders named by key: a folder that has its final name is whole."""

import json
import os
import shutil
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid.stage import KEY_LENGTH, Stage, digest

RECORD = "record.json"
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

    def folder(self, stage: Stage) -> Path:
        """Return where the stage lies, or will lie."""
        named = self.root / stage.KIND / f"{_safe(stage.label())}-{stage.key}"
        if named.exists():
            return named
        return next((self.root / stage.KIND).glob(f"*-{stage.key}"), named)  # built under another label

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
            raise StoreError(f"{path} is not JSON ({error}); delete that folder") from error
        if stored != digest(stage.record):
            raise StoreError(f"{path} is another record than its name says; delete that folder")
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
        return self.root / "logs" / f"{stage.KIND}-{stage.key}.log"

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
        owner = f"{socket.gethostname()}+{os.getpid()}"
        draft = self.root / "drafts" / f"{stage.KIND}-{stage.key}+{owner}+{uuid.uuid4().hex[:8]}"
        draft.mkdir(parents=True)
        try:
            yield draft
            write_json(draft / "provenance.json", provenance)
            write_json(draft / RECORD, stage.record)
            _sync_tree(draft)
            self._take(draft, self.folder(stage))
            self.forget_work(stage)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def sweep(self) -> None:
        """Remove the drafts of this machine's processes that died."""
        for draft in (self.root / "drafts").glob(f"*+{socket.gethostname()}+*"):
            if not _lives(int(draft.name.split("+")[2])):
                shutil.rmtree(draft, ignore_errors=True)

    def _work(self, stage: Stage) -> Path:
        return self.root / "unfinished" / f"{stage.KIND}-{stage.key}"

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


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


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
