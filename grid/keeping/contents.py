"""What lies in a storage: stages by kind and key, and everything else, each with its size."""

import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from grid.stage import KEY_LENGTH
from grid.store.manifest import MANIFEST, RECORD, FileDigest, read_manifest
from grid.store.store import DAMAGED, DRAFTS, LEASES, LOGS, TRASH, UNFINISHED, Store

if TYPE_CHECKING:
    from grid.store.s3 import Bucket

RESULTS, RUNS, TUNE = "results", "runs", "tune"
APART = frozenset({DAMAGED, DRAFTS, LEASES, LOGS, TRASH, UNFINISHED, RESULTS, RUNS, TUNE})  # hold no stages
KEYED = re.compile(rf"(?P<before>.*)-(?P<key>[0-9a-f]{{{KEY_LENGTH}}})")


class Contents(Protocol):
    """A tree of files, as a folder or a bucket holds it; names are relative, with slashes."""

    def files(self, below: str = "") -> dict[str, int]:
        """Return every file, of the whole tree or below one folder of it, with its size in bytes.

        Of the whole tree also folders of the second level, which may be empty.
        """

    def read(self, name: str) -> bytes:
        """Return a small file's content."""

    def digest(self, name: str) -> FileDigest:
        """Read a file, a piece at a time."""

    def manifest(self, folder: str) -> dict[str, FileDigest] | None:
        """Return a stage's manifest, None where it has none; raises DamagedError where it is none."""

    def remove(self, name: str) -> None:
        """Remove a folder or a file: at no moment is a part of a stage taken for the stage."""


@dataclass(frozen=True)
class FolderContents:
    """What a folder holds."""

    root: Path

    def files(self, below: str = "") -> dict[str, int]:
        sizes = ((path, _size(path)) for path in _walk(self.root / below))
        found = {path.relative_to(self.root).as_posix(): size for path, size in sizes if size is not None}
        empty = () if below else (folder for folder in self.root.glob("*/*") if folder.is_dir() and _is_own(folder))
        return dict.fromkeys((folder.relative_to(self.root).as_posix() for folder in empty), 0) | found

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def digest(self, name: str) -> FileDigest:
        return FileDigest.of(self.root / name)

    def manifest(self, folder: str) -> dict[str, FileDigest] | None:
        return read_manifest(self.root / folder)

    def remove(self, name: str) -> None:
        """Rename it into the trash, which the next sweep empties if this one dies, then delete it."""
        trash = self.root / TRASH / uuid.uuid4().hex
        trash.parent.mkdir(parents=True, exist_ok=True)
        try:
            (self.root / name).rename(trash)
        except FileNotFoundError:  # somebody else removed it
            return
        if trash.is_dir() and not trash.is_symlink():
            shutil.rmtree(trash, ignore_errors=True)
        else:
            trash.unlink(missing_ok=True)
        with suppress(OSError):  # others may be at it
            trash.parent.rmdir()


@dataclass(frozen=True)
class BucketContents:
    """What a bucket holds."""

    bucket: "Bucket"

    def files(self, below: str = "") -> dict[str, int]:
        return {name: listed.bytes for name, listed in self.bucket.listed(f"{below}/" if below else "").items()}

    def read(self, name: str) -> bytes:
        return b"".join(self.bucket.read(name))

    def digest(self, name: str) -> FileDigest:
        digest, size = hashlib.sha256(), 0
        for piece in self.bucket.read(name):
            digest.update(piece)
            size += len(piece)
        return FileDigest(digest.hexdigest(), size)

    def manifest(self, folder: str) -> dict[str, FileDigest] | None:
        with tempfile.TemporaryDirectory() as local:
            if not self.bucket.get_file(f"{folder}/{MANIFEST}", Path(local, MANIFEST)):
                return None
            return read_manifest(Path(local))

    def remove(self, name: str) -> None:
        """Delete it, its record first: without it, the rest is no stage."""
        under = self.bucket.listed(f"{name}/")
        self.bucket.delete(sorted(under, key=lambda each: each != f"{name}/{RECORD}") if under else [name])


@dataclass
class Stored:
    """A stage's folder in a storage."""

    kind: str
    name: str
    files: dict[str, int] = field(default_factory=dict)  # relative to the folder, with their sizes

    @property
    def key(self) -> str:
        return self.name[-KEY_LENGTH:]

    @property
    def folder(self) -> str:
        """Relative to the storage."""
        return f"{self.kind}/{self.name}"

    @property
    def lease(self) -> str:
        """The name of its lease."""
        return f"{self.kind}-{self.key}"


def contents_of(store: Store) -> Contents:
    """Return what a store holds, wherever that lies."""
    from grid.store.remote import RemoteStore

    return BucketContents(store.bucket) if isinstance(store, RemoteStore) else FolderContents(store.root)


def mirror_of(store: Store) -> Contents | None:
    """Return what this machine has copied of a store that lies elsewhere."""
    from grid.store.remote import RemoteStore

    return FolderContents(store.root) if isinstance(store, RemoteStore) else None


def stored_stages(files: Iterable[tuple[str, int]]) -> list[Stored]:
    """Return the stages among the files of a storage, damaged ones and those that lack their record too."""
    found: dict[tuple[str, str], Stored] = {}
    for path, size in files:
        kind, _, rest = path.partition("/")
        name, slash, file = rest.partition("/")
        if kind not in APART and KEYED.fullmatch(name):
            stage = found.setdefault((kind, name), Stored(kind, name))
            stage.files |= {file: size} if slash else {}
    return [found[place] for place in sorted(found)]


def keyed(name: str) -> str | None:
    """Return the key in the name of a work folder, a log or a draft: ``<kind>-<key>``, and what may follow it."""
    match = KEYED.fullmatch(name.partition("+")[0].partition(".")[0])
    return match and match["key"]


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files and links; what a link leads to lies elsewhere."""
    for parent, folders, names in os.walk(folder):
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (Path(parent, name) for name in (*names, *linked))


def _is_own(folder: Path) -> bool:
    return not folder.is_symlink() and not folder.parent.is_symlink()


def _size(path: Path) -> int | None:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # it went meanwhile
        return None
