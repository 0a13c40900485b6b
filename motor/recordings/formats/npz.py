"""Signals in NumPy's ``.npz`` archives."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from motor.recordings.formats.base import Box, BoxFormat, SignalOptions, Variable
from motor.recordings.formats.choosing import Line
from motor.recordings.formats.npy_head import Head, head_of
from motor.recordings.formats.shapes import unreadable
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

SUFFIX = ".npy"
ENCRYPTED = 1


@dataclass
class _Archive(Box):
    """Arrays by their names."""

    archive: zipfile.ZipFile | None = None
    heads: dict[str, Head] = field(default_factory=dict)

    def array(self, name: str, line: Line | None) -> np.ndarray:
        """Unpack an array that is as long as its head and the archive say."""
        assert self.archive is not None
        head = self.heads[name]
        with self.archive.open(name + SUFFIX) as stream:
            content = stream.read()
        values = np.frombuffer(content, head.dtype, head.n_values, head.begin).reshape(head.shape, order=head.order)
        if line is not None:
            values = values[:, line.number - 1] if line.axis else values[line.number - 1]
        return np.array(values)


class Npz(BoxFormat):
    """Arrays by the names under which they were saved, and lines of matrices."""

    suffixes: ClassVar[tuple[str, ...]] = (".npz",)

    @contextmanager
    def opened(self, path: Path, options: SignalOptions) -> Iterator[Box]:
        """Open an archive, and read the heads of its arrays."""
        try:
            with zipfile.ZipFile(path) as archive:
                heads = {member.filename[: -len(SUFFIX)]: _head(archive, member, path) for member in _members(archive)}
                variables = [Variable(name, head.shape, head.dtype.name) for name, head in heads.items()]
                yield _Archive(str(path), variables, archive=archive, heads=heads)
        except DataError:
            raise
        except (
            zipfile.BadZipFile,
            ValueError,
            OSError,
            EOFError,
            MemoryError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise unreadable(path, error) from error
        except Exception as error:  # zlib.error and what other ways of packing raise
            raise unreadable(path, error) from error


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [member for member in archive.infolist() if member.filename.endswith(SUFFIX)]


def _head(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Head:
    """Return the head of an array, if the archive holds just what it declares."""
    place = f"{path}, {member.filename}"
    if member.flag_bits & ENCRYPTED:
        raise SeriesError(f"{place}: it is encrypted; save it without a password")
    with archive.open(member) as stream:
        head = head_of(stream, place, path)
    if head.end != member.file_size:
        raise SeriesError(
            f"{place}: {member.file_size} bytes, but {head.end} by its head (shape {head.shape}, {head.dtype}); "
            f"{NEXT_STEP}"
        )
    return head


FORMAT = Npz()
