"""Signals in NumPy's ``.npy`` files."""

import math
from pathlib import Path

import numpy as np

from motor.recordings.formats.shapes import check_length, row_of, unreadable
from motor.recordings.recording import NEXT_STEP, SeriesError


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
            shape, dtype, begin = _head(file)
        except Exception as error:  # NumPy parses the head as Python, so a damaged one fails in many ways.
            raise unreadable(path, error) from error
    if dtype.hasobject:
        raise SeriesError(f"{path}: cannot be read: Object arrays cannot be loaded, for that runs code; save numbers")
    n_samples = math.prod(shape)
    check_length(n_samples, max_samples, str(path))
    told, held = begin + n_samples * dtype.itemsize, path.stat().st_size
    if held != told:
        raise SeriesError(f"{path}: {held} bytes, but {told} by its head (shape {shape}, {dtype}); {NEXT_STEP}")
    try:
        return row_of(np.load(path, allow_pickle=False), str(path))
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise error if isinstance(error, SeriesError) else unreadable(path, error) from error


def _head(file: "object") -> tuple[tuple[int, ...], np.dtype, int]:
    """Return shape and type of an array, and where its numbers begin."""
    from numpy.lib import format as npy

    version = npy.read_magic(file)  # type: ignore[arg-type]
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)  # type: ignore[arg-type]
    if any(size < 0 for size in shape):
        raise ValueError(f"shape {shape}")
    return shape, dtype, file.tell()  # type: ignore[attr-defined]
