"""Places of files that several machines see: the protocol of a storage, and a folder as one."""

import errno
import hashlib
import os
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grid.store.manifest import MANIFEST, FileDigest, parse_manifest
from grid.store.writing import MARK, neighbour, write_text

TRASH = "trash"
PIECE_BYTES = 1 << 20
NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}


class Place(ABC):
    """Files by name, relative and with slashes. Whoever looks after another has written, sees it.

    What fails for a while (network, a full disk) raises OSError.
    """

    @property
    @abstractmethod
    def location(self) -> str:
        """The place as people write it."""

    @abstractmethod
    def within(self, folder: str) -> "Place":
        """Return a folder of it as a place of its own."""

    @abstractmethod
    def names(self, folder: str = "") -> list[str]:
        """Return the names of what lies directly in a folder, hidden files left out; none where there is none."""

    @abstractmethod
    def files(self, below: str = "") -> dict[str, int]:
        """Return every file, of the whole place or below one folder of it, with its size in bytes.

        Of the whole place also folders of the second level, which may be empty.
        """

    @abstractmethod
    def has(self, name: str) -> bool:
        """Tell whether there is a file of that name."""

    @abstractmethod
    def read(self, name: str) -> str | None:
        """Return a text, whole, with damaged bytes replaced; None if there is none."""

    @abstractmethod
    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a file's content; raises OSError if there is none."""

    @abstractmethod
    def write(self, name: str, text: str) -> None:
        """Replace a text; whoever reads meanwhile gets the old one or the new one."""

    @abstractmethod
    def create(self, name: str, text: str) -> bool:
        """Put a text where none stands; False if another one does, also where several try at the same time."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if it is there, and what unfinished writes of it left."""

    @abstractmethod
    def clear(self, name: str) -> None:
        """Remove a file or a folder with all in it: at no moment is a part of a stage taken for the stage."""

    @abstractmethod
    def move(self, name: str, to: str) -> bool:
        """Move a stage's folder to where nobody takes it for a stage; False if it is gone."""

    @abstractmethod
    def age_s(self, name: str) -> float | None:
        """Return how long ago a file was written, by the clock of who keeps it; None if there is none."""

    def digest(self, name: str) -> FileDigest:
        """Read a file, a piece at a time."""
        digest, size = hashlib.sha256(), 0
        for piece in self.pieces(name):
            digest.update(piece)
            size += len(piece)
        return FileDigest(digest.hexdigest(), size)

    def manifest(self, folder: str) -> dict[str, FileDigest] | None:
        """Return a stage's manifest, None where it has none; raises DamagedError where it is none."""
        return parse_manifest(self.read(f"{folder}/{MANIFEST}"), Path(folder))


@dataclass(frozen=True)
class Folder(Place):
    """A folder, which may lie on NFS. It is made when the first text is put there.

    A text is written to a hidden neighbour before it gets its name; a neighbour that a killed process left goes when
    the text of that name is removed.
    """

    root: Path

    @property
    def location(self) -> str:
        return str(self.root)

    def within(self, folder: str) -> "Folder":
        return Folder(self.root / folder)

    def names(self, folder: str = "") -> list[str]:
        return [name for name in self._listed(folder) if not name.startswith(".")]

    def files(self, below: str = "") -> dict[str, int]:
        sizes = ((path, _size(path)) for path in _walk(self.root / below))
        found = {path.relative_to(self.root).as_posix(): size for path, size in sizes if size is not None}
        empty = () if below else (folder for folder in self.root.glob("*/*") if folder.is_dir() and _is_own(folder))
        return dict.fromkeys((folder.relative_to(self.root).as_posix() for folder in empty), 0) | found

    def has(self, name: str) -> bool:
        return (self.root / name).exists()

    def read(self, name: str) -> str | None:
        for _ in range(2):
            try:
                return (self.root / name).read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError as error:
                if error.errno != errno.ESTALE:  # on NFS: replaced while it was opened
                    raise
        return None

    def pieces(self, name: str) -> Iterator[bytes]:
        with (self.root / name).open("rb", buffering=0) as stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece

    def write(self, name: str, text: str) -> None:
        write_text(self.root / name, text)

    def create(self, name: str, text: str) -> bool:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with neighbour(path, text) as beside:
            try:
                os.link(beside, path)  # unlike a rename it fails where something stands
            except FileExistsError:
                return False
            except FileNotFoundError:  # the neighbour is gone: another removes the text of this name just now
                return False
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                return _create_in_place(path, text)
        return True

    def remove(self, name: str) -> None:
        """Remove a file and what unfinished writes of it left; one that is under way fails and writes nothing."""
        folder, _, own = name.rpartition("/")
        for left in self._listed(folder):
            if left.startswith(f".{own}{MARK}"):
                (self.root / folder / left).unlink(missing_ok=True)
        (self.root / name).unlink(missing_ok=True)

    def clear(self, name: str) -> None:
        """Rename it into the trash, which the next sweep empties if this one dies, then delete it."""
        trash = self.root / TRASH / uuid.uuid4().hex
        if self.move(name, trash.relative_to(self.root).as_posix()):
            if trash.is_dir() and not trash.is_symlink():
                shutil.rmtree(trash, ignore_errors=True)
            else:
                trash.unlink(missing_ok=True)
        with suppress(OSError):  # others may be at it
            trash.parent.rmdir()

    def move(self, name: str, to: str) -> bool:
        while os.path.lexists(self.root / name):
            (self.root / to).parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # somebody else removed it, or just now the folder that it goes to
                (self.root / name).rename(self.root / to)
                return True
        return False

    def age_s(self, name: str) -> float | None:
        try:
            written = (self.root / name).stat().st_mtime
        except FileNotFoundError:
            return None
        with neighbour(self.root / name, "") as beside:  # no two clocks are compared: a server's may go otherwise
            return beside.stat().st_mtime - written

    def _listed(self, folder: str) -> list[str]:
        try:
            return os.listdir(self.root / folder)  # noqa: PTH208  # names alone: half the time of paths
        except (FileNotFoundError, NotADirectoryError):
            return []


def _create_in_place(path: Path, text: str) -> bool:
    """Create where the file system knows no links; a reader may for a moment see less than the text."""
    try:
        stream = path.open("x", encoding="utf-8")
    except FileExistsError:
        return False
    try:
        with stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


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
