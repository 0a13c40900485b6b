"""Signals in NumPy's ``.npy`` files."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from motor.recordings.formats.base import Box, BoxFormat, SignalOptions, Variable
from motor.recordings.formats.choosing import Line
from motor.recordings.formats.npy_head import Head, head_of
from motor.recordings.formats.shapes import unreadable
from motor.recordings.recording import NEXT_STEP, SeriesError


@dataclass
class _Array(Box):
    """One array in a file; its name is empty."""

    path: Path = Path()
    head: Head | None = None

    def array(self, name: str, line: Line | None) -> np.ndarray:
        """Return the array, or a line of it; nothing else is kept in memory."""
        assert self.head is not None
        head = self.head
        with self.path.open("rb") as file:
            file.seek(head.begin)
            if line is None:
                return np.fromfile(file, head.dtype, head.n_values).reshape(head.shape, order=head.order)
        mapped = np.memmap(self.path, head.dtype, "r", head.begin, head.shape, head.order)
        return np.array(mapped[:, line.number - 1] if line.axis else mapped[line.number - 1])


class Npy(BoxFormat):
    """One array; rows and columns of a matrix are named ``(2,:)`` and ``(:,2)``, or ``row 2`` and ``column 2``."""

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)
    has_names: ClassVar[bool] = False

    @contextmanager
    def opened(self, path: Path, options: SignalOptions) -> Iterator[Box]:
        """Open a file; a pickled array is refused, for loading it could run code."""
        with path.open("rb") as file:
            if file.read(4) == b"PK\x03\x04":
                raise SeriesError(f"{path}: this is an .npz archive under the name .npy; name it .npz")
            file.seek(0)
            head = head_of(file, str(path), path)
        held = path.stat().st_size
        if held != head.end:
            raise SeriesError(
                f"{path}: {held} bytes, but {head.end} by its head (shape {head.shape}, {head.dtype}); {NEXT_STEP}"
            )
        try:
            yield _Array(str(path), [Variable("", head.shape, head.dtype.name)], path=path, head=head)
        except (ValueError, OSError, MemoryError) as error:
            if isinstance(error, SeriesError):
                raise
            raise unreadable(path, error) from error


FORMAT = Npy()
