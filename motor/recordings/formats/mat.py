"""Signals in MATLAB's ``.mat`` files, up to version 7."""

import math
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from motor.recordings.formats.shapes import check_length, chosen, row_of, unreadable
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

COMPRESSED = 15  # the type of an element that is packed by zlib
HEAD_BYTES = 128
BLOCK = 2**20
LEAVES = 8  # fields of a struct that a message names
DEPTH = 4
LINE = re.compile(r"\((?::,\s*(\d+)|(\d+)\s*,\s*:)\)$")  # a column or a row of a matrix
STEP = re.compile(r"([^().]+)(?:\((\d+)\))?")  # a field, and which element of a struct array


def read_mat(path: Path, variable: str | None, max_samples: int) -> np.ndarray:
    """Read the only variable, or the named one; see `motor.recordings.signals.SignalOptions`.

    Raises
    ------
    SeriesError
    """
    import scipy.io

    try:
        found = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(path)}
        line = LINE.search(variable or "")
        base = variable[: line.start()] if line and variable is not None else variable
        top = _top(list(found), base, f"{path}: variable")
        shape, kind = found[top]
        check_length(math.prod(shape), max_samples, f"{path}, variable {top!r}")
        _check_growth(path, max_samples)
        if kind == "logical":
            raise SeriesError(f"{path}, variable {top!r}: true and false are no signal; {NEXT_STEP}")
        value = scipy.io.loadmat(path, variable_names=[top])[top]
        place = f"{path}, variable {base or top!r}"
        values = _walked(value, top, "" if base in (None, top) else _below(str(base)), place)
        return _line(values, line, place) if line else _row(values, base or top, place)
    except DataError:
        raise
    except NotImplementedError as error:
        message = f"{path}: MATLAB version 7.3 (HDF5) is not read; save it in MATLAB with save(file, name, '-v7')"
        raise SeriesError(message) from error
    except Exception as error:  # SciPy lets a cut-off file surface as almost any exception, MemoryError included.
        raise unreadable(path, error) from error


def _top(names: list[str], variable: str | None, what: str) -> str:
    """Return the variable that a path begins with."""
    if variable is None or variable in names or "." not in variable:
        return chosen(names, variable, what)
    step = STEP.fullmatch(variable.partition(".")[0])
    return chosen(names, step[1] if step else variable, what)


def _below(variable: str) -> str:
    """Return the path below the variable that it begins with, with the element of that."""
    step = STEP.match(variable)
    element = f"({step[2]})" if step and step[2] else ""
    return f"{element}.{variable.partition('.')[2]}" if "." in variable else ""


def _walked(value: Any, name: str, below: str, place: str) -> Any:
    """Return what a path leads to in a struct; raise with the fields that there are."""
    steps = below.split(".") if below else []
    number = int(steps[0].strip("()")) if steps and steps[0] else 1
    for text in steps[1:]:
        step = STEP.fullmatch(text)
        if step is None or value.dtype.names is None or step[1] not in value.dtype.names or number > value.size:
            raise SeriesError(f"{place}: there is no such field; set variable to one of: {_leaves(value, name)}")
        value, number = value.reshape(-1, order="F")[number - 1][step[1]], int(step[2] or 1)
    if isinstance(value, np.ndarray) and value.dtype.names is not None:
        raise SeriesError(f"{place}: this is a struct; set variable to one of its fields: {_leaves(value, name)}")
    if isinstance(value, np.ndarray) and value.dtype == object:
        raise SeriesError(f"{place}: this is a cell array; save what is in it as a variable of its own; {NEXT_STEP}")
    return value


def _leaves(value: Any, name: str) -> str:
    found = []
    for path, leaf in _numbers_in(value, name, DEPTH):
        found.append(f"{path} {leaf.shape}")
        if len(found) > LEAVES:
            found[-1] = "..."
            break
    return ", ".join(found) or "none that holds numbers"


def _numbers_in(value: Any, path: str, depth: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the paths of a struct's arrays of numbers."""
    if not isinstance(value, np.ndarray) or depth == 0:
        return
    if value.dtype.names is None:
        if value.dtype.kind in "fiu" and value.size > 1:
            yield path, value
        return
    elements = value.reshape(-1, order="F")
    for number, element in enumerate(elements, 1):
        of = f"{path}({number})" if len(elements) > 1 else path
        for field in value.dtype.names:
            yield from _numbers_in(element[field], f"{of}.{field}", depth - 1)


def _row(values: Any, name: str, place: str) -> np.ndarray:
    """Return the samples of what is a row or a column."""
    from scipy.sparse import issparse

    if issparse(values):
        raise SeriesError(f"{place}: this is a sparse matrix; save it by full(...); {NEXT_STEP}")
    matrix = np.asarray(values)
    if matrix.ndim == 2 and 1 not in matrix.shape:
        raise SeriesError(
            f"{place}: shape {matrix.shape}, a signal is one row or column; set variable to one of them, such as "
            f"{name}(:,2) or {name}(2,:)"
        )
    return row_of(matrix, place)


def _line(values: Any, line: re.Match[str], place: str) -> np.ndarray:
    """Return a column or a row of a matrix."""
    matrix = np.asarray(values)
    axis = 1 if line[1] else 0
    number = int(line[1] or line[2])
    if matrix.ndim != 2 or not 1 <= number <= matrix.shape[axis]:
        raise SeriesError(f"{place}: shape {matrix.shape} has no {line[0]}; set variable to one that is there")
    return matrix[:, number - 1] if axis else matrix[number - 1]


def _check_growth(path: Path, max_samples: int) -> None:
    """Raise if a packed element holds more than a series may: a small file can unpack to many gigabytes."""
    most = 16 * max_samples + BLOCK
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES or head[126:128] not in (b"IM", b"MI"):
            return
        order = "<" if head[126:128] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, n_bytes = struct.unpack(f"{order}II", tag)
            begin = file.tell()
            if kind == COMPRESSED and 1032 * n_bytes > most:  # zlib packs no better
                _check_unpacked(file, n_bytes, most, path, max_samples)
            file.seek(begin + n_bytes)


def _check_unpacked(file: Any, n_bytes: int, most: int, path: Path, max_samples: int) -> None:
    unpacking, total = zlib.decompressobj(), 0
    while n_bytes > 0 and (packed := file.read(min(BLOCK, n_bytes))):
        n_bytes -= len(packed)
        while packed:
            total += len(unpacking.decompress(packed, BLOCK))
            packed = unpacking.unconsumed_tail
            if total > most:
                raise SeriesError(
                    f"{path}: a variable unpacks to more than {most} bytes; a series has at most {max_samples} "
                    "samples; cut the recording, or raise max_samples"
                )
