"""What a format of signal files is: one file of this folder, with `FORMAT`; the file's name is the format's.

A format lists what lies in a file under which names (`contents`), reads one or several of them (`read`), and tells a
single value (`value`), say the speed that was saved beside the signals. Most only open a `Box`.
"""

import importlib
import math
import pkgutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from motor.recordings.fields import Value
from motor.recordings.formats.choosing import Line, chosen_part
from motor.recordings.formats.layout import PLAIN, TableLayout
from motor.recordings.formats.shapes import check_length, only_row
from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, SeriesError

MOST_SAMPLES = 100_000_000  # of a series: half an hour at 51.2 kHz, 400 MB
ROOM = "motor.recordings.formats"
NUMBERS = "fiu"  # kinds of NumPy's types that a signal may have


@dataclass(frozen=True)
class SignalOptions:
    """Options by which a signal is found in its file.

    Attributes
    ----------
    variable : str, optional
        Name of the ``.mat`` variable or ``.csv`` column, for files with several, or a pattern (``*_DE_time``) that
        just one of them matches; ``column 5`` of a table; ``bearing.gs``, a field of a struct, ``Y(3).Data``, one of
        its third element; ``data(:,2)`` and ``data(2,:)``, a column and a row of a matrix.
    table : TableLayout
        Of ``.csv`` files.
    max_samples : int
        A file that declares more is refused before its samples are read.
    format : str, optional
        Name of the format of all files, whatever their suffixes say.
    """

    variable: str | None = None
    table: TableLayout = PLAIN
    max_samples: int = MOST_SAMPLES
    format: str | None = None


class Signal(NamedTuple):
    """Samples of shape (n_samples,), and the rate (Hz) that the file tells with them, if it does."""

    values: np.ndarray
    sampling_rate_hz: float | None = None


@dataclass(frozen=True)
class Variable:
    """What lies in a file under a name.

    Attributes
    ----------
    name : str
        As a config may name it.
    shape : tuple of int
    kind : str
        Its type: NumPy's name of it, or ``text`` or the like for what is no number.
    sampling_rate_hz : float, optional
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    sampling_rate_hz: float | None = None

    @property
    def is_numbers(self) -> bool:
        """Whether it may be a signal."""
        return not self.kind.startswith("complex") and self.kind.startswith(("float", "int", "uint"))


class Format:
    """A format of files that hold signals."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """In lower case, with the dot."""
    has_names: ClassVar[bool] = True
    """Whether its signals have names; else only a number tells them apart (``channel 2``, ``(:,2)``)."""

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return what lies in a file, from its heads alone where the format has some."""
        raise NotImplementedError

    def read(self, path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
        """Read the named signals, or the only one for None, in one pass over the file.

        Raises
        ------
        SeriesError
            If one is absent (`AbsentError`), is no signal, or the file is damaged.
        """
        raise NotImplementedError

    def value(self, path: Path, wanted: str, options: SignalOptions) -> Value:
        """Return the one value (a number, a text) that stands under a name."""
        raise NotImplementedError


@dataclass
class Box:
    """An open file of arrays with names.

    Attributes
    ----------
    place : str
        For messages.
    variables : list of Variable
    are_columns : bool
        Whether ``column 2`` is the second of the variables.
    """

    place: str
    variables: list[Variable] = field(default_factory=list)
    are_columns: bool = False

    def array(self, name: str, line: Line | None) -> np.ndarray:
        """Return an array as it lies in the file, or a line of it; numbers and texts."""
        raise NotImplementedError

    def attribute(self, name: str) -> Value:
        """Return what is noted beside the arrays under a name."""
        raise SeriesError(f"{self.place}: this format has no attributes such as {shown(name)}; name a variable")

    def signal(self, wanted: str | None, max_samples: int) -> Signal:
        """Return one signal, checked by its declared shape before it is read."""
        variable, line = self.chosen(wanted)
        place = f"{self.place}, variable {variable.name!r}" if variable.name else self.place
        if not variable.is_numbers:
            raise SeriesError(f"{place}: this is {variable.kind}, and a signal is real numbers; {NEXT_STEP}")
        line = line or only_row(variable.shape, variable.name, place)
        if line is not None:
            line.check(variable.shape, place)
        n_samples = math.prod(variable.shape) if line is None else variable.shape[1 - line.axis]
        check_length(n_samples, max_samples, place)
        return Signal(self.array(variable.name, line), variable.sampling_rate_hz)

    def value(self, wanted: str) -> Value:
        """Return one value: an array of one element, or of equal ones."""
        if wanted.startswith("@") or "@" in wanted.rpartition("/")[2]:
            return self.attribute(wanted)
        variable, line = self.chosen(wanted)
        check_length(math.prod(variable.shape), MOST_SAMPLES, f"{self.place}, variable {variable.name!r}")
        return single(self.array(variable.name, line), f"{self.place}, variable {variable.name!r}")

    def chosen(self, wanted: str | None) -> tuple[Variable, Line | None]:
        """Return which variable is meant, and which line of it."""
        name, line = chosen_part([one.name for one in self.variables], wanted, self.place, self.are_columns)
        return next(one for one in self.variables if one.name == name), line


class BoxFormat(Format):
    """A format whose files open as a `Box`."""

    def opened(self, path: Path, options: SignalOptions) -> AbstractContextManager[Box]:
        """Open a file; errors of its library leave as `SeriesError`."""
        raise NotImplementedError

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return what lies in a file."""
        with self.opened(path, options) as box:
            return box.variables

    def read(self, path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
        """Read the named signals."""
        with self.opened(path, options) as box:
            return [box.signal(one, options.max_samples) for one in wanted]

    def value(self, path: Path, wanted: str, options: SignalOptions) -> Value:
        """Return one value."""
        with self.opened(path, options) as box:
            return box.value(wanted)


def single(values: np.ndarray, place: str) -> Value:
    """Return the one value that an array holds, once or throughout.

    Raises
    ------
    SeriesError
        If it holds several, or none.
    """
    flat = np.asarray(values).reshape(-1)
    if not len(flat) or flat.dtype.kind not in "fiubUSO":
        raise SeriesError(f"{place}: {flat.dtype} {np.shape(values)} tells no value; name another in fields")
    first = flat[0].item() if isinstance(flat[0], np.generic) else flat[0]
    first = first.decode(errors="replace") if isinstance(first, bytes) else first
    if not isinstance(first, str | float | int | bool):
        raise SeriesError(f"{place}: a {type(first).__name__} tells no value; name another in fields")
    if not (flat == flat[0]).all() and first == first:
        other = flat[np.argmax(flat != flat[0])]
        raise SeriesError(
            f"{place}: {len(flat)} values that differ ({shown(first)}, {shown(other)}), and a field is one value; name "
            "another in fields"
        )
    return first


@cache
def formats() -> dict[str, Format]:
    """Return all formats by name."""
    found: dict[str, Format] = {}
    for module_info in pkgutil.iter_modules(importlib.import_module(ROOM).__path__):
        module = importlib.import_module(f"{ROOM}.{module_info.name}")
        if isinstance(getattr(module, "FORMAT", None), Format):
            found[module_info.name] = module.FORMAT
    return found


@cache
def by_suffix() -> dict[str, Format]:
    """Return the formats by the suffixes of their files."""
    return {suffix: one for one in formats().values() for suffix in one.suffixes}
