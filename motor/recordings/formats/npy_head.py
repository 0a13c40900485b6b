"""Heads of NumPy's arrays, in a file of their own or in an archive."""

import math
from pathlib import Path
from threading import Lock
from typing import IO, Any, Literal, NamedTuple

import numpy as np

from motor.recordings.formats.shapes import unreadable
from motor.recordings.recording import SeriesError

# NumPy parses a head as Python, and CPython 3.11 counts the depth of its parser in one place for all threads: two heads
# parsed at once end, now and then, in a SystemError.
_PARSING = Lock()


class Head(NamedTuple):
    """The head of an array: shape, type, order, and where its numbers begin."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype
    begin: int

    @property
    def n_values(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """Where they end."""
        return self.begin + self.n_values * self.dtype.itemsize


def head_of(file: IO[bytes], place: str, path: Path) -> Head:
    """Read a head; one of Python objects is refused.

    Raises
    ------
    SeriesError
    """
    try:
        with _PARSING:
            head = _head(file)
    except Exception as error:  # NumPy parses the head as Python, so a damaged one fails in many ways.
        raise unreadable(path, error) from error
    if head.dtype.hasobject:
        raise SeriesError(f"{place}: cannot be read: Object arrays cannot be loaded, for that runs code; save numbers")
    return head


def _head(file: IO[bytes]) -> Head:
    stream: Any = file
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
    if any(size < 0 for size in shape):
        raise ValueError(f"shape {shape}")
    return Head(shape, "F" if is_fortran else "C", dtype, file.tell())
