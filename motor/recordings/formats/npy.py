"""Signals in NumPy's ``.npy`` files."""

import math
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal

import numpy as np

from motor.recordings.formats.shapes import check_length, row_of, unreadable
from motor.recordings.recording import NEXT_STEP, SeriesError

# NumPy parses a head as Python, and CPython 3.11 counts the depth of its parser in one place for all threads: two heads
# parsed at once end, now and then, in a SystemError.
_PARSING = Lock()


def read_npy(path: Path, max_samples: int) -> np.ndarray:
    """Read an array; a pickled one is refused, for loading it could run code.

    Raises
    ------
    SeriesError
        If it is damaged, or shorter or longer than its head says.
    """
    with path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            raise SeriesError(f"{path}: this is an .npz archive under the name .npy; save one array with numpy.save")
        file.seek(0)
        try:
            with _PARSING:
                shape, order, dtype, begin = _head(file)
        except Exception as error:  # NumPy parses the head as Python, so a damaged one fails in many ways.
            raise unreadable(path, error) from error
        if dtype.hasobject:
            raise SeriesError(
                f"{path}: cannot be read: Object arrays cannot be loaded, for that runs code; save numbers"
            )
        n_samples = math.prod(shape)
        check_length(n_samples, max_samples, str(path))
        told, held = begin + n_samples * dtype.itemsize, path.stat().st_size
        if held != told:
            raise SeriesError(f"{path}: {held} bytes, but {told} by its head (shape {shape}, {dtype}); {NEXT_STEP}")
        try:
            values = np.fromfile(file, dtype, n_samples).reshape(shape, order=order)
        except (ValueError, OSError, MemoryError) as error:
            raise unreadable(path, error) from error
    return row_of(values, str(path))


def _head(file: BinaryIO) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype, int]:
    """Return shape, order and type of an array, and where its numbers begin."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_fortran, dtype = read(file)
    if any(size < 0 for size in shape):
        raise ValueError(f"shape {shape}")
    return shape, "F" if is_fortran else "C", dtype, file.tell()
