"""Signals in JSON files: lists of numbers by their path."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from motor.recordings.formats.base import Box, BoxFormat, SignalOptions, Variable
from motor.recordings.formats.choosing import Line
from motor.recordings.formats.shapes import check_length, unreadable
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError
from motor.recordings.text import encoding_of

BYTES_A_SAMPLE = 2  # at least, with the comma
DEEPEST = 12
WHOLE = "(whole)"  # the name of a list that is all of the file


@dataclass
class _Lists(Box):
    """Lists and values by their path: ``run.DE``."""

    found: dict[str, np.ndarray | str] = field(default_factory=dict)

    def array(self, name: str, line: Line | None) -> np.ndarray:
        """Return a list, or a row or column of a list of lists."""
        values = np.asarray(self.found[name])
        if line is None:
            return values
        return values[:, line.number - 1] if line.axis else values[line.number - 1]


class JsonArrays(BoxFormat):
    """Lists of numbers, lists of such lists, and single values, by their path (``run.DE``)."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    @contextmanager
    def opened(self, path: Path, options: SignalOptions) -> Iterator[Box]:
        """Parse a file."""
        check_length(path.stat().st_size // BYTES_A_SAMPLE // 16, options.max_samples, str(path))
        try:
            content = json.loads(path.read_text(encoding=encoding_of(path)), object_pairs_hook=_distinct)
        except DataError:
            raise
        except (ValueError, RecursionError, MemoryError) as error:
            raise unreadable(path, error) from error
        found = dict(_arrays(content, "", str(path), 0))
        variables = [_variable(name, of) for name, of in found.items()]
        yield _Lists(str(path), variables, found=found)


def _variable(name: str, found: np.ndarray | str) -> Variable:
    if isinstance(found, str):
        return Variable(name, (), found)
    return Variable(name, found.shape, "text" if found.dtype.kind == "U" else found.dtype.name)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; JSON lets a name come twice, and a parser keeps the last without a word."""
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)!r} comes twice")
    return named


def _arrays(value: Any, name: str, place: str, depth: int) -> Iterator[tuple[str, np.ndarray | str]]:
    """Yield the lists and values of a file by their paths."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, below in value.items():
            yield from _arrays(below, f"{name}.{key}" if name else key, place, depth + 1)
    elif isinstance(value, bool | int | float | str):
        yield name or WHOLE, np.asarray(value)
    elif isinstance(value, list) and value and any(isinstance(one, dict) for one in value):
        for number, below in enumerate(value[:1000], 1):
            yield from _arrays(below, f"{name or WHOLE}({number})", place, depth + 1)
    elif isinstance(value, list):
        yield name or WHOLE, _array(value, name or WHOLE, place)


def _array(value: list[Any], name: str, place: str) -> np.ndarray | str:
    """Return a list as an array; what it is, if it holds anything but numbers or is ragged."""
    kinds = {type(one) for row in value for one in (row if isinstance(row, list) else [row])}
    lengths = {len(row) if isinstance(row, list) else -1 for row in value}
    if len(lengths) > 1:
        return "a list of lists of unequal lengths"
    if not kinds <= {int, float}:
        return "a list with what is no number (null, text, true)"
    try:
        return np.asarray(value, dtype=np.float64 if float in kinds else None)
    except (OverflowError, ValueError) as error:
        raise SeriesError(f"{place}, variable {name!r}: {error}; {NEXT_STEP}") from error


FORMAT = JsonArrays()
