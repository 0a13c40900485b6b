"""One long CSV table, one row a sample: `item_id,timestamp,target,label`."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, pairwise
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from motor.recordings.csv_blocks import Layout, parse, parsed_blocks
from motor.recordings.readers.base import ITEM_FIELDS, Reader, Source
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError
from motor.recordings.timestamps import sampling_rate

if TYPE_CHECKING:
    import pyarrow

PER_ROW = ("target", "timestamp")


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of one item, out of one block of the file."""

    item: str
    lines: np.ndarray
    targets: "pyarrow.Array"
    timestamps: "pyarrow.Array | None"
    told: dict[str, str]


class LongCsv(Reader):
    """One row a sample, the rows of one item together; read as a stream on two threads, one item in memory at a time.

    Expected columns are `item_id` (the item's name, in which `pattern` is searched), `target` (the signal) and,
    where they are there, `timestamp`, `label` and the other fields of a recording under their own names, constant
    within an item; `columns` says where one has another name. Timestamps tell the sampling rate only if nothing
    else does, and are not looked at otherwise.

    Attributes
    ----------
    path : str
        The table, or a folder of such tables (``**/*.csv``).
    delimiter : str
        What separates the columns.
    """

    kind: Literal["long_csv"] = "long_csv"
    default_columns: ClassVar[Mapping[str, str]] = {
        "item": "item_id",
        "target": "target",
        "timestamp": "timestamp",
        **{name: name for name in ITEM_FIELDS},
    }
    required_columns: ClassVar[tuple[str, ...]] = ("item", "target")
    duplicate_advice: ClassVar[str] = "sort the table by item, so that the rows of each lie together"

    delimiter: Literal[",", ";", "\t", "|"] = ","

    def files(self) -> list[Path]:
        """Return the tables, sorted by name."""
        return self.listed((".csv",), are_tables=True).files

    def passed_over(self) -> str:
        """Return what stands beside the tables; see `Reader.passed_over`."""
        return self.listed((".csv",), are_tables=True).told()

    def sources(self) -> Iterator[Source]:
        """Yield one source an item."""
        for file in self.files():
            header = self._header(file)
            columns = self._columns(header, file)
            pieces = groupby(_pieces(file, header, columns, self.delimiter), key=attrgetter("item"))
            yield from (_source(item, group, file) for item, group in pieces)

    def _header(self, file: Path) -> list[str]:
        """Return the names in the first line."""
        try:
            with file.open(encoding="utf-8-sig", newline="") as text:
                return next(csv.reader(text, delimiter=self.delimiter), [])
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(f"{file}, line 1: this is no CSV table in UTF-8 ({error}); save it as that") from error

    def _columns(self, header: list[str], file: Path) -> dict[str, str]:
        """Return which column holds which field, without the timestamps if the rate is known without them."""
        columns = self.found_columns(header, f"{file}, line 1")
        rate_is_set = self.sampling_rate_hz or "sampling_rate_hz" in (*columns, *self.constants)
        if rate_is_set or "(?P<sampling_rate_hz>" in (self.pattern or ""):
            columns.pop("timestamp", None)
        return columns


def _pieces(file: Path, header: list[str], columns: dict[str, str], delimiter: str) -> Iterator[Piece]:
    """Yield a table's rows, cut where the item or the block changes."""
    import pyarrow

    layout = Layout(tuple(header), delimiter, _types(columns))
    is_empty = True
    for block in parsed_blocks(file, layout):
        rows = block.rows
        if not _is_clean(rows, columns):
            rows = parse(block.content, layout.as_text(), file, block.first_line)
        lines = np.arange(block.first_line, block.first_line + rows.num_rows)
        fields = pyarrow.record_batch([rows[column] for column in columns.values()], names=list(columns))
        yield from _cut(fields, lines, file)
        is_empty = False
    if is_empty:
        raise DataError(f"{file}, line 2: the table has no rows; check how it was written")


def _types(columns: dict[str, str]) -> dict[str, "pyarrow.DataType"]:
    """Return the type of each column that is taken: what is constant in an item as a dictionary."""
    import pyarrow

    per_row = {"target": pyarrow.float32(), "timestamp": pyarrow.string()}
    constant = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    return {column: per_row.get(name, constant) for name, column in columns.items()}


def _is_clean(rows: "pyarrow.RecordBatch", columns: dict[str, str]) -> bool:
    """Say whether each row has an item and a finite number; any other block is looked at as text."""
    from pyarrow import types

    targets = rows[columns["target"]]
    if not types.is_floating(targets.type) or targets.null_count or not np.isfinite(targets.to_numpy()).all():
        return False
    return "" not in rows[columns["item"]].dictionary.to_pylist()


def _cut(batch: "pyarrow.RecordBatch", lines: np.ndarray, file: Path) -> Iterator[Piece]:
    """Yield the pieces of one batch, whose columns are named as fields."""
    batch, lines = _without_empty_lines(batch, lines, file)
    if batch.num_rows == 0:
        return
    changes = np.flatnonzero(np.diff(batch["item"].indices.to_numpy())) + 1
    borders = [0, *changes.tolist(), batch.num_rows]
    for start, stop in pairwise(borders):
        rows = batch.slice(start, stop - start)
        told = {
            name: _constant(rows, name, lines[start:stop], file) for name in rows.schema.names if name not in PER_ROW
        }
        timestamps = rows["timestamp"] if "timestamp" in rows.schema.names else None
        yield Piece(told["item"], lines[start:stop], rows["target"], timestamps, told)


def _without_empty_lines(
    batch: "pyarrow.RecordBatch", lines: np.ndarray, file: Path
) -> tuple["pyarrow.RecordBatch", np.ndarray]:
    """Drop empty lines; raise if a row has a target and no item."""
    import pyarrow

    nameless = np.array([name == "" for name in batch["item"].dictionary.to_pylist()])[batch["item"].indices.to_numpy()]
    if not nameless.any():
        return batch, lines
    targets = batch["target"].filter(pyarrow.array(nameless)).to_pylist()
    stray = next((k for k, target in enumerate(targets) if target), None)
    if stray is not None:
        line = lines[nameless][stray]
        raise DataError(f"{file}, line {line}: target {targets[stray]!r} has no item; fill it in, or drop the row")
    return batch.filter(pyarrow.array(~nameless)), lines[~nameless]


def _constant(rows: "pyarrow.RecordBatch", name: str, lines: np.ndarray, file: Path) -> str:
    """Return the one value that a column has in rows of one item."""
    column = rows[name]
    codes = column.indices.to_numpy()
    if (codes != codes[0]).any():
        k = int(np.argmax(codes != codes[0]))
        raise _not_constant(
            rows["item"][0].as_py(), name, column[0].as_py(), column[k].as_py(), f"{file}, line {lines[k]}"
        )
    return column[0].as_py()


def _not_constant(item: str, name: str, value: str, other: str, place: str) -> DataError:
    """Return the error of an item whose rows tell two values of a field."""
    return DataError(
        f"{place}: {name} is {other!r} where item {item!r} has {value!r} before; make it one value an item, or "
        "give the rows an item of their own"
    )


def _source(item: str, pieces: Iterator[Piece], file: Path) -> Source:
    """Gather the pieces of one item."""
    first = next(pieces)
    fault: SeriesError | None = None
    chunks, timestamps, lines = [], [], []
    for piece in chain([first], pieces):
        for name, value in piece.told.items():
            if value != first.told[name]:
                raise _not_constant(item, name, first.told[name], value, f"{file}, line {piece.lines[0]}")
        try:
            chunks.append(_numbers(piece, file))
        except SeriesError as error:
            fault = fault or error
        if piece.timestamps is not None:
            timestamps.append(piece.timestamps)
            lines.append(piece.lines)
    load = partial(_load, fault, chunks, timestamps, lines, file)
    return Source(item, f"{file}, line {first.lines[0]}", load, first.told)


def _load(
    fault: SeriesError | None,
    chunks: list[np.ndarray],
    timestamps: list["pyarrow.Array"],
    lines: list[np.ndarray],
    file: Path,
) -> tuple[np.ndarray, float | None]:
    """Return the signal of one item and the rate that its timestamps tell, or raise what is wrong with it."""
    import pyarrow

    if fault is not None:
        raise fault
    signal = np.concatenate(chunks)
    if not timestamps:
        return signal, None
    return signal, sampling_rate(pyarrow.concat_arrays(timestamps), np.concatenate(lines), str(file))


def _numbers(piece: Piece, file: Path) -> np.ndarray:
    """Return the targets of a piece as float32 (n_rows,); raise at the first that is no finite number."""
    import pyarrow
    import pyarrow.compute

    if not pyarrow.types.is_string(piece.targets.type):
        return piece.targets.to_numpy()
    try:
        signal = pyarrow.compute.cast(piece.targets, pyarrow.float32()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowInvalid:
        with np.errstate(over="ignore"):
            signal = np.array([_number(text) for text in piece.targets.to_pylist()]).astype(np.float32)
    finite = np.isfinite(signal)
    if not finite.all():
        k = int(np.argmin(finite))
        text = piece.targets[k].as_py()
        value = repr(text) + (", beyond float32" if math.isfinite(_number(text)) else "")
        raise SeriesError(f"{file}, line {piece.lines[k]}: target is {value}; {NEXT_STEP}")
    return signal


def _number(text: str) -> float:
    """Return a text as a float, NaN if it is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


PLUGIN = LongCsv
