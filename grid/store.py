"""Folders named by key: a folder that has its final name is whole."""

import json
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grid.stage import Stage, digest

RECORD = "record.json"


class StoreError(RuntimeError):
    """Something in the store is not what its name says."""


@dataclass(frozen=True)
class Store:
    """A folder with one sub-folder a kind of stage, and in it one a stage: ``<label>-<key>``.

    A stage is built in a draft folder; its record is written last; then the draft is renamed.
    """

    root: Path

    def folder(self, stage: Stage) -> Path:
        """Return where the stage lies, or will lie."""
        return self.root / stage.KIND / f"{_safe(stage.label())}-{stage.key}"

    def holds(self, stage: Stage) -> bool:
        """Tell whether the stage is built.

        Raises
        ------
        StoreError
            If the folder holds another record than its name says.
        """
        try:
            stored = json.loads((self.folder(stage) / RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        except ValueError as error:
            raise StoreError(f"{self.folder(stage) / RECORD} is not JSON ({error}); delete that folder") from error
        if digest(stored) != digest(stage.record):
            raise StoreError(f"{self.folder(stage) / RECORD} is another record than its name says; delete that folder")
        return True

    def work(self, stage: Stage) -> Path:
        """Return a folder for what must outlive a crash (checkpoints); it goes when the stage stands."""
        folder = self.root / "unfinished" / f"{stage.KIND}-{stage.key}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

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
            self._take(draft, self.folder(stage))
            shutil.rmtree(self.work(stage), ignore_errors=True)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _take(self, draft: Path, final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            aside = draft.with_name(f"{draft.name}-replaced")
            final.rename(aside)
            draft.rename(final)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            draft.rename(final)
        _sync(final.parent)

    def sweep(self) -> None:
        """Remove the drafts of this machine's processes that died."""
        for draft in (self.root / "drafts").glob(f"*+{socket.gethostname()}+*"):
            if not Path("/proc", draft.name.split("+")[2]).exists():
                shutil.rmtree(draft, ignore_errors=True)

    def forget_work(self, stage: Stage) -> None:
        """Drop what an unfinished build left, so that the next one starts anew."""
        shutil.rmtree(self.work(stage), ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all: to a neighbour, flushed to disk, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with neighbour.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    neighbour.replace(path)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _safe(label: str) -> str:
    return "".join(c if c.isalnum() or c in "-_.+" else "_" for c in label)[:80]
