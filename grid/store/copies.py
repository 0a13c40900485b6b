"""Single files that several machines see through a bucket: logs, what launches say of themselves, checkpoints."""

import fnmatch
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grid.store.place import Folder
from grid.store.s3 import Bucket, Listed, NoObjectError

MARKS, MIRROR = ".copies", ".mirror"
WRITER = "mirror"  # metadata: whose file an object is a copy of


@dataclass(frozen=True)
class Copies:
    """Files under a local root, and their copies in a bucket under the same names.

    Beside each file that was sent or brought a mark remembers its state then. So a file that changed here since is
    told from one that was changed, or dropped, by another machine.
    """

    root: Path
    bucket: Bucket

    def send(self, path: Path) -> None:
        """Upload a file if it has changed, each file of a folder likewise; of what is gone, drop the copies."""
        if not path.exists():
            self.drop(path)
        for file in [path] if path.is_file() else files_in(path):
            if self.is_changed(file):
                self.send_file(file)

    def send_file(self, path: Path) -> None:
        """Upload a file as it is now; one that was sent under another name is copied in the bucket."""
        name, state = self._name(path), _state(path.stat())
        if not self._copied(name, state):
            state = _state(self.bucket.put_file(name, path, {WRITER: self._identity}))
        self._sent[name] = state
        self._mark(name, {"state": state})

    def _copied(self, name: str, state: list[int]) -> bool:
        """Copy what this process sent last under another name in this state: a checkpoint that is now the former."""
        twin = next((each for each, sent in self._sent.items() if each != name and sent == state), None)
        if twin is None:
            return False
        with suppress(NoObjectError):
            self.bucket.copy(twin, name, {WRITER: self._identity})
            return True
        return False

    def is_changed(self, path: Path) -> bool:
        """Tell whether a file is another than when it was last sent or brought."""
        try:
            return self._marked(self._name(path)).get("state") != _state(path.stat())
        except FileNotFoundError:  # it went meanwhile
            return False

    def drop(self, path: Path) -> None:
        """Remove the copy of a file, or of a folder and all in it, from the bucket."""
        name = self._name(path)
        self.bucket.delete(found := self._listed(name))
        for gone in {*found, *self._marked_names(name)}:
            (self.root / MARKS / gone).unlink(missing_ok=True)

    def bring(self, path: Path) -> None:
        """Take what another machine has sent: a file, a folder with all in it, or files by a pattern of their names.

        A file that was changed here since it was sent from here stays; one that was dropped elsewhere goes.
        """
        name = self._name(path)
        there = self._listed(name)
        for each, listed in there.items():
            self._bring_file(each, listed)
        for gone in self._marked_names(name):
            if gone not in there:
                (self.root / gone).unlink(missing_ok=True)
                (self.root / MARKS / gone).unlink(missing_ok=True)

    def _bring_file(self, name: str, listed: Listed) -> None:
        path = self.root / name
        if path.exists():
            if self._marked(name).get("etag") == listed.etag:
                return
            if (self.bucket.metadata(name) or {}).get(WRITER) == self._identity:
                return  # it was sent from here: the file is as new, or newer
        if self.bucket.get_file(name, path):
            self._mark(name, {"state": _state(path.stat()), "etag": listed.etag})

    def _listed(self, name: str) -> dict[str, Listed]:
        """Return the copies of a file, of all in a folder, or of what a pattern means."""
        many = is_pattern(name)
        found = self.bucket.listed(f"{name.rpartition('/')[0]}/" if many else name)
        return {
            each: listed
            for each, listed in found.items()
            if (fnmatch.fnmatchcase(each, name) if many else each == name or each.startswith(f"{name}/"))
            and ".." not in each.split("/")  # which would be written elsewhere
        }

    def _marked_names(self, name: str) -> list[str]:
        folder, last = (self.root / MARKS / name).parent, name.rpartition("/")[2]
        marks = [mark for found in folder.glob(last) for mark in ([found] if found.is_file() else found.rglob("*"))]
        return [mark.relative_to(self.root / MARKS).as_posix() for mark in marks if mark.is_file()]

    def _marked(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.root / MARKS / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}

    def _mark(self, name: str, value: dict[str, Any]) -> None:
        mark = self.root / MARKS / name
        mark.parent.mkdir(parents=True, exist_ok=True)
        neighbour = mark.with_name(f".{uuid.uuid4().hex[:8]}")
        neighbour.write_text(json.dumps(value), encoding="utf-8")
        neighbour.replace(mark)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    @cached_property
    def _sent(self) -> dict[str, list[int]]:
        """The states in which this process sent files, by name."""
        return {}

    @cached_property
    def _identity(self) -> str:
        """What tells this root from that of another machine; made once for all processes that have it."""
        here = Folder(self.root)
        here.create(MIRROR, uuid.uuid4().hex)
        return here.read(MIRROR) or ""


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that are whole: neither hidden ones nor drafts."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and path.suffix != ".draft" and not any(part.startswith(".") for part in parts):
            yield path


def is_pattern(name: str) -> bool:
    """Tell whether a name means several files."""
    return any(sign in name for sign in "*?[")


def _state(found: os.stat_result) -> list[int]:
    return [found.st_mtime_ns, found.st_size, found.st_ino]
