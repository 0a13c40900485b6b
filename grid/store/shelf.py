"""Where small texts lie that several machines see: what leases ask of a storage, and a folder as one."""

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
MARK = "~"  # between the name of a text and what makes its neighbour's name unique


class Shelf(Protocol):
    """Small texts by name. Whoever lists or reads after another has created or written, sees it.

    What fails for a while (network, a full disk) raises OSError.
    """

    def create(self, name: str, text: str) -> bool:
        """Put a text where none stands; False if one does, also where several try at the same time."""

    def read(self, name: str) -> str | None:
        """Return a text, whole; None if there is none."""

    def write(self, name: str, text: str) -> None:
        """Replace a text; whoever reads meanwhile gets the old one or the new one."""

    def remove(self, name: str) -> None:
        """Remove a text, if it is there."""

    def names(self) -> list[str]:
        """Return the names of all texts."""


@dataclass(frozen=True)
class FolderShelf:
    """A folder, which may lie on NFS. It is made when the first text is put there.

    A text is written to a hidden neighbour, ``.<name>~<hex>``, before it gets its name; a neighbour that a killed
    process left goes when the text of that name is removed.
    """

    folder: Path

    def create(self, name: str, text: str) -> bool:
        """Put a text where none stands; False if one does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._neighbour(name, text) as neighbour:
            try:
                os.link(neighbour, self.folder / name)  # unlike a rename it fails where something stands
            except FileExistsError:
                return False
            except FileNotFoundError:  # the neighbour is gone: another removes the text of this name just now
                return False
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                return self._create_in_place(name, text)
        return True

    def read(self, name: str) -> str | None:
        """Return a text; None if there is none."""
        for _ in range(2):
            try:
                return (self.folder / name).read_text(encoding="utf-8", errors="replace")
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno != errno.ESTALE:  # on NFS: replaced while it was opened
                    raise
        return None

    def write(self, name: str, text: str) -> None:
        """Replace a text."""
        with self._neighbour(name, text) as neighbour:
            neighbour.replace(self.folder / name)

    def remove(self, name: str) -> None:
        """Remove a text and what unfinished writes of it left; one that is under way fails and writes nothing."""
        for left in self._listed():
            if left.startswith(f".{name}{MARK}"):
                (self.folder / left).unlink(missing_ok=True)
        (self.folder / name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names of all texts."""
        return [name for name in self._listed() if not name.startswith(".")]

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self.folder)  # noqa: PTH208  # names alone: half the time of paths
        except FileNotFoundError:
            return []

    @contextmanager
    def _neighbour(self, name: str, text: str) -> Iterator[Path]:
        neighbour = self.folder / f".{name}{MARK}{uuid.uuid4().hex[:8]}"
        try:
            with neighbour.open("x", encoding="utf-8") as stream:
                _write_through(stream.fileno(), text)
            yield neighbour
        finally:
            neighbour.unlink(missing_ok=True)

    def _create_in_place(self, name: str, text: str) -> bool:
        """Create where the file system knows no links; a reader may for a moment see less than the text."""
        path = self.folder / name
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        try:
            _write_through(descriptor, text)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        return True


def _write_through(descriptor: int, text: str) -> None:
    """Write a text as far as the disk."""
    left = text.encode()
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)
