"""Signals in MATLAB's ``.mat`` files: up to version 7 here; version 7.3 is HDF5, and read as that."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from motor.lazy import scipy
from motor.recordings.fields import Value
from motor.recordings.formats.base import Format, Signal, SignalOptions, Variable, single
from motor.recordings.formats.choosing import NUMBERED, Line, chosen, split_line
from motor.recordings.formats.hdf5 import FORMAT as HDF5
from motor.recordings.formats.hdf5 import is_hdf5
from motor.recordings.formats.mat_growth import check_growth
from motor.recordings.formats.mat_paths import Step, first_step, leaves, walked
from motor.recordings.formats.shapes import check_length, only_row, row_of, unreadable
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError


class Mat(Format):
    """MATLAB's files: variables, fields of structs and elements of cells by their path, lines of matrices."""

    suffixes: ClassVar[tuple[str, ...]] = (".mat",)

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return the variables, and what structs and cells hold."""
        if is_hdf5(path):
            return HDF5.contents(path, options)
        with _opened(path, options) as file:
            return [found for name in file.found for found in file.leaves(name)]

    def read(self, path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
        """Read the named variables, or the only one; each variable of the file is loaded once."""
        if is_hdf5(path):
            return HDF5.read(path, wanted, options)
        with _opened(path, options) as file:
            return [Signal(file.signal(one)) for one in wanted]

    def value(self, path: Path, wanted: str, options: SignalOptions) -> Value:
        """Return the one value of a variable."""
        if is_hdf5(path):
            return HDF5.value(path, wanted, options)
        with _opened(path, options) as file:
            values, _, place = file.values(wanted)
            return single(np.asarray(values), place)


class _File:
    """An open file; what was loaded of it stays for the next name."""

    def __init__(self, path: Path, max_samples: int) -> None:
        self.path, self.max_samples = path, max_samples
        self.found = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(path)}
        self.loaded: dict[str, Any] = {}

    def signal(self, wanted: str | None) -> np.ndarray:
        """Return a signal, shape (n_samples,)."""
        values, line, place = self.values(wanted)
        return _line(values, line, place) if line else _row(values, wanted, place)

    def values(self, wanted: str | None) -> tuple[Any, Line | None, str]:
        """Return what a path leads to, the line of it that is meant, and its place for messages."""
        base, line = _base(wanted)
        step = first_step(base)
        top = chosen(
            list(self.found), base if base in self.found else step.field if step else base, f"{self.path}: variable"
        )
        place = f"{self.path}, variable {base or top!r}"
        value = self._loaded(top)
        if base is None or base in self.found or (step is not None and not step.rest and step.element is None):
            return walked(value, Step(top, None, ""), top, place), line, place
        assert step is not None  # else the name was none of those found
        return walked(value, step, top, place), line, place

    def leaves(self, name: str) -> Iterator[Variable]:
        """Yield a variable, or what a struct or a cell array holds."""
        shape, kind = self.found[name]
        if kind not in ("struct", "cell"):
            yield Variable(name, tuple(shape), _KINDS.get(kind, kind))
            return
        for path, leaf in leaves(self._loaded(name), name):
            yield Variable(path, leaf.shape, "text" if leaf.dtype.kind in "US" else leaf.dtype.name)

    def _loaded(self, top: str) -> Any:
        """Return a variable of the file, checked before it is read."""
        if top not in self.loaded:
            shape, kind = self.found[top]
            check_length(max(shape, default=1), self.max_samples, f"{self.path}, variable {top!r}")
            check_growth(self.path, self.max_samples)
            if kind == "logical":
                raise SeriesError(f"{self.path}, variable {top!r}: true and false are no signal; {NEXT_STEP}")
            self.loaded[top] = scipy.io.loadmat(self.path, variable_names=[top])[top]
        return self.loaded[top]


_KINDS = {"double": "float64", "single": "float32", "char": "text"}


@contextmanager
def _opened(path: Path, options: SignalOptions) -> Iterator[_File]:
    """Open a file; what SciPy says of a damaged one becomes an error of ours."""
    with path.open("rb") as stream:
        if stream.read(1) == b"#":
            raise SeriesError(
                f"{path}: this is text, as Octave saves by default, and no MAT file; save it there by save -v7 FILE x, "
                f"{NEXT_STEP}"
            )
    try:
        yield _File(path, options.max_samples)
    except DataError:
        raise
    except Exception as error:  # SciPy lets a cut-off file surface as almost any exception, MemoryError included.
        raise unreadable(path, error) from error


def _base(wanted: str | None) -> tuple[str | None, Line | None]:
    """Return the path that is meant, None for the only variable, and a line of it."""
    if wanted is None:
        return None, None
    if numbered := NUMBERED.fullmatch(wanted):
        return None, Line(int(numbered[1] != "row"), int(numbered[2]))
    base, line = split_line(wanted)
    return base or None, line


def _row(values: Any, name: str | None, place: str) -> np.ndarray:
    """Return the samples of what is a row or a column."""
    if scipy.sparse.issparse(values):
        raise SeriesError(f"{place}: this is a sparse matrix; save it by full(...); {NEXT_STEP}")
    matrix = np.asarray(values)
    if matrix.ndim == 2:
        only_row(matrix.shape, name or place.rpartition("variable ")[2].strip("'"), place)
    return row_of(matrix, place)


def _line(values: Any, line: Line, place: str) -> np.ndarray:
    """Return a column or a row of a matrix."""
    matrix = np.asarray(values)
    line.check(matrix.shape, place)
    return matrix[:, line.number - 1] if line.axis else matrix[line.number - 1]


FORMAT = Mat()
