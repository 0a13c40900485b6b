"""Signals in HDF5 files, and in MATLAB's of version 7.3, which are such."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from motor.lazy import h5py
from motor.recordings.fields import Value
from motor.recordings.formats.base import Box, BoxFormat, SignalOptions, Variable, single
from motor.recordings.formats.choosing import Line
from motor.recordings.formats.shapes import unreadable
from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, AbsentError, DataError, SeriesError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
OWN = "#"  # MATLAB keeps what its cells refer to in #refs#, and what it notes of objects in #subsystem#
MOST_DATASETS = 10_000
DEEPEST = 12
MATLAB_CLASS = "MATLAB_class"
SCALE, OFFSET, UNMEASURED = "scale_factor", "add_offset", ("_FillValue", "missing_value")


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5, perhaps behind MATLAB's head of 512 bytes."""
    with path.open("rb") as file:
        head = file.read(520)
    return head.startswith(SIGNATURE) or head[512:] == SIGNATURE


@dataclass
class _Datasets(Box):
    """Datasets by their path; MATLAB's structs with points, its matrices turned."""

    file: Any = None
    is_matlab: bool = False

    def array(self, name: str, line: Line | None) -> np.ndarray:
        """Return a dataset, or a line of it alone."""
        dataset = self._dataset(name)
        _check_inside(dataset, f"{self.place}, variable {name!r}")
        if dataset.dtype.kind == "O":  # texts of any length
            return np.asarray(dataset.asstr()[()])
        if line is None:
            values = dataset[()]
            values = values.T if self.is_matlab else values
        else:
            values = dataset[:, line.number - 1] if (line.axis == 1) != self.is_matlab else dataset[line.number - 1]
        return _unpacked(np.asarray(values), dataset.attrs, f"{self.place}, variable {name!r}")

    def attribute(self, name: str) -> Value:
        """Return an attribute: ``@rpm`` of the file, ``run/DE@rpm`` of a group or dataset."""
        of, _, wanted = name.rpartition("@")
        holder = self.file if of in ("", "/") else self._holder(of)
        if wanted not in holder.attrs:
            there = ", ".join(holder.attrs) or "none"
            raise AbsentError(f"{self.place}: no attribute {shown(wanted)} of {of or '/'}; there are: {there}")
        return single(np.asarray(holder.attrs[wanted]), f"{self.place}, attribute {name!r}")

    def value(self, wanted: str) -> Value:
        """Return one value; MATLAB's texts are numbers of their letters."""
        if self.is_matlab and "@" not in wanted:
            variable, _ = self.chosen(wanted)
            if variable.kind == "text":
                codes = self._dataset(variable.name)[()]
                return "".join(map(chr, np.asarray(codes).T.reshape(-1)))
        return super().value(wanted)

    def _holder(self, name: str) -> Any:
        if name not in self.file:
            raise AbsentError(f"{self.place}: there is no {shown(name)}; name a group or dataset of the file")
        return self.file[name]

    def _dataset(self, name: str) -> Any:
        if not self.is_matlab:
            return self.file[name]
        path, mark, rest = name.partition("{")
        dataset = self.file[path.replace(".", "/")]
        return _cell(self.file, dataset, int(rest.rstrip("}"))) if mark else dataset


class Hdf5(BoxFormat):
    """Datasets by their path (``run1/DE``), and rows and columns of them."""

    suffixes: ClassVar[tuple[str, ...]] = (".h5", ".hdf5", ".hdf")

    @contextmanager
    def opened(self, path: Path, options: SignalOptions) -> Iterator[Box]:
        """Open a file; links that lead out of it, and data that lie in others, are refused where they are named."""
        try:
            with h5py.File(path, "r") as file:
                is_matlab = path.suffix.lower() == ".mat"
                variables = [_variable(name, of, is_matlab, file) for name, of in _found(file, is_matlab, str(path))]
                yield _Datasets(str(path), variables, file=file, is_matlab=is_matlab)
        except DataError:
            raise
        except Exception as error:  # of a damaged file the library raises almost anything
            raise unreadable(path, error) from error


def _found(file: Any, is_matlab: bool, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the datasets of a file by name; a link that leads to another file stands for what is there."""
    for count, found in enumerate(_within(file, "", is_matlab, file, 0)):
        if count == MOST_DATASETS:
            raise SeriesError(f"{place}: more than {MOST_DATASETS} datasets; keep one recording a file")
        yield found


def _within(group: Any, above: str, is_matlab: bool, file: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the datasets of a group."""
    for key in group:
        name = f"{above}{'.' if is_matlab else '/'}{key}" if above else key
        link = group.get(key, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield name, link
        elif key.startswith(OWN):
            continue
        elif isinstance(item := group.get(key), h5py.Dataset):
            yield name, item
            yield from _cells(name, item, is_matlab, file)
        elif isinstance(item, h5py.Group) and depth < DEEPEST:
            yield from _within(item, name, is_matlab, file, depth + 1)


def _cells(name: str, dataset: Any, is_matlab: bool, file: Any) -> Iterator[tuple[str, Any]]:
    """Yield what the elements of MATLAB's cell arrays refer to."""
    if is_matlab and h5py.check_ref_dtype(dataset.dtype) is h5py.Reference and dataset.size <= MOST_DATASETS:
        for number in range(1, dataset.size + 1):
            element = _cell(file, dataset, number)
            if isinstance(element, h5py.Dataset):
                yield f"{name}{{{number}}}", element


def _cell(file: Any, dataset: Any, number: int) -> Any:
    """Return what an element of a cell array refers to."""
    return file[np.asarray(dataset[()]).reshape(-1)[number - 1]]


def _variable(name: str, dataset: Any, is_matlab: bool, file: Any) -> Variable:
    """Return what is known of a dataset without its numbers."""
    if isinstance(dataset, h5py.ExternalLink):
        return Variable(name, (), "a link to another file")
    shape = tuple(int(size) for size in dataset.shape or ())
    matlab = dataset.attrs.get(MATLAB_CLASS, b"")
    kind = dataset.dtype.name
    if is_matlab and matlab in (b"char", b"logical"):
        kind = "text" if matlab == b"char" else "bool"
    elif dataset.dtype.names is not None:
        kind = f"a compound of {', '.join(dataset.dtype.names[:5])}"
    elif h5py.check_string_dtype(dataset.dtype) is not None:
        kind = "text"
    elif h5py.check_enum_dtype(dataset.dtype) is not None:
        kind = "a choice of words"
    elif dataset.dtype.kind == "O":
        kind = "references" if is_matlab else "objects"
    return Variable(name, shape[::-1] if is_matlab else shape, kind)


def _unpacked(values: np.ndarray, attributes: Any, place: str) -> np.ndarray:
    """Return numbers as they were measured: scaled, NaN where nothing was.

    By the attributes of netCDF (CF conventions 1.11, sections 2.5.1 and 8.1).

    Raises
    ------
    SeriesError
        If an attribute is no number, or tells no scale.
    """
    packing = {name: np.ravel(attributes[name]) for name in (SCALE, OFFSET, *UNMEASURED) if name in attributes}
    if not packing or values.dtype.kind not in "iuf":
        return values
    for name, numbers in packing.items():
        is_number = numbers.dtype.kind in "iuf" and (name in UNMEASURED or (len(numbers) == 1 and np.isfinite(numbers)))
        if not is_number or (name == SCALE and not numbers):
            said = shown(str(attributes[name]))
            raise SeriesError(f"{place}: its attribute {name!r} is {said}, by which nothing can be scaled; {NEXT_STEP}")
    measured = values * packing.get(SCALE, np.ones(1)).astype(np.float64) + packing.get(OFFSET, np.zeros(1))
    for name in packing.keys() & set(UNMEASURED):
        measured[np.isin(values, packing[name])] = np.nan
    return measured


def _check_inside(dataset: Any, place: str) -> None:
    """Raise if a dataset's numbers lie in other files, or are more than the file holds and can unpack."""
    if dataset.is_virtual or dataset.external:
        raise SeriesError(
            f"{place}: its numbers lie in other files, which are not read; copy them into it; {NEXT_STEP}"
        )
    held, stated = dataset.id.get_storage_size(), math.prod(dataset.shape) * dataset.dtype.itemsize
    if stated and not held:
        raise SeriesError(f"{place}: {dataset.shape} declared, and no number was ever written; {NEXT_STEP}")
    if dataset.chunks and stated:
        needed = math.prod(-(-size // of) for size, of in zip(dataset.shape, dataset.chunks, strict=True))
        written = dataset.id.get_num_chunks()
        if written < needed:
            raise SeriesError(
                f"{place}: {dataset.shape} declared, and only {written} of {needed} blocks of them were written; cut "
                f"it to what was, or {NEXT_STEP}"
            )


FORMAT = Hdf5()
