"""One long CSV table, one row a sample: `item_id,timestamp,target,label`."""

import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice, pairwise
from operator import attrgetter
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from motor.lazy import pyarrow
from motor.recordings.csv_blocks import LONGEST_LINE, Layout, parse, parsed_blocks
from motor.recordings.formats.grouped import advice, are_grouped
from motor.recordings.formats.layout import MOST_SKIPPED, TableLayout
from motor.recordings.formats.shapes import check_length
from motor.recordings.formats.table_head import cause_of
from motor.recordings.names import cleaned, is_nothing, shown
from motor.recordings.readers.channelled import Channelled, Source
from motor.recordings.readers.source import ITEM_FIELDS
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError
from motor.recordings.signals import LARGEST, unmeasured
from motor.recordings.text import MARK, delimiter_of, header_below, opened_text, opened_utf8
from motor.recordings.timestamps import check_order, sampling_rate

TARGET = "target"
PER_ROW = (TARGET, "timestamp")
MOST_WAITING = 10_000  # items of one row that may be followed by more of theirs


def _is_target(name: str) -> bool:
    """Tell whether a column holds a signal: `TARGET`, or with a channel's name behind it."""
    return name.partition(":")[0] == TARGET


class Asks(NamedTuple):
    """What the reader's settings ask of an item's rows."""

    knows_rate: bool
    rate_hz: float | None
    decimal: str
    max_samples: int


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of one item, out of one block of the file."""

    item: str
    lines: np.ndarray
    targets: "dict[str, pyarrow.Array]"  # by channel; "" is that of the only signal
    timestamps: "pyarrow.Array | None"
    fields: dict[str, str]


class LongCsv(Channelled):
    """One row a sample, the rows of one item together; read as a stream on two threads, one item in memory at a time.

    Expected columns are `item_id` (the item's name, in which `pattern` is searched), `target` (the signal) and,
    where they are there, `timestamp`, `label` and the other fields of a recording under their own names, constant
    within an item; `columns` says where one has another name. Timestamps tell the sampling rate only if nothing
    else does; otherwise they only may not go back, nor contradict the settings. `channels` names several columns in the
    place of `target`.

    Attributes
    ----------
    path : str
        The table, or a folder of such tables (``**/*.csv``).
    delimiter : str, optional
        What separates the columns; where it is not set, what the first line has most of.
    decimal : {".", ","}
        What separates a number's fraction.
    skip_rows : int
        Lines above the names of the columns.
    ignore_timestamps : bool
        Whether rows are in order whatever their timestamps say (a clock that was set back): `sampling_rate_hz` is
        then needed.
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

    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    skip_rows: int = Field(default=0, ge=0, le=MOST_SKIPPED)
    ignore_timestamps: bool = False

    def files(self) -> list[Path]:
        """Return the tables, sorted by name."""
        return self.listed((".csv",), are_tables=True).files

    def passed_over(self) -> str:
        """Return what stands beside the tables; see `Reader.passed_over`."""
        return self.listed((".csv",), are_tables=True).summary()

    def sources(self) -> Iterator[Source]:
        """Yield one source an item."""
        for file in self.files():
            delimiter, header = self._header(file)
            columns = self._columns(header, file)
            layout = Layout(tuple(header), delimiter, _types(columns), self.decimal, self.skip_rows)
            pieces = groupby(_pieces(file, columns, layout), key=attrgetter("item"))
            asks = Asks(self._knows_rate(columns), self.sampling_rate_hz, self.decimal, self.max_samples)
            gathered = ((item, _gathered(item, group, file, asks)) for item, group in pieces)
            for item, rows in self._not_interleaved(gathered, file):
                yield from self._of_item(item, rows, file, asks)

    def _not_interleaved(self, gathered: Iterator[tuple[str, "Rows"]], file: Path) -> Iterator[tuple[str, "Rows"]]:
        """Yield items with their rows; those of one row wait for what comes next, which may be more of theirs.

        Else each would be reported as too short, or without a sampling rate, and not that the table is not sorted.
        """
        waiting: dict[str, Rows] = {}
        for item, rows in gathered:
            if item in waiting:
                place, first = f"{file}, line {rows.first_line}", f"{file}, line {waiting[item].first_line}"
                raise DataError(
                    f"{place}: duplicate item {item!r}, it stands already at {first}; {self.duplicate_advice}"
                )
            waiting[item] = rows
            if rows.n_rows > 1 or len(waiting) > MOST_WAITING:
                yield from waiting.items()
                waiting = {}
        yield from waiting.items()

    def _of_item(self, item: str, rows: "Rows", file: Path, asks: Asks) -> Iterator[Source]:
        """Yield the only signal of an item, or its channels."""
        place = f"{file}, line {rows.first_line}"
        loads = {channel: partial(_load, rows, channel, file, asks) for channel in rows.chunks}
        if self.channels:
            yield from self.of_channels(item, place, loads, rows.fields)
        else:
            yield Source(item, place, loads[""], rows.fields)

    def _header(self, file: Path) -> tuple[str, list[str]]:
        """Return what separates the columns, and their names."""
        number = self.skip_rows + 1
        try:
            with opened_text(file) as text:
                for _ in range(self.skip_rows):
                    text.readline(LONGEST_LINE)
                line = text.readline(LONGEST_LINE)
            delimiter: str = self.delimiter or delimiter_of(line)
            header = [name.strip() for name in next(csv.reader([line.lstrip(MARK)], delimiter=delimiter), [])]
        except (csv.Error, UnicodeDecodeError) as error:
            raise DataError(
                f"{file}, line {number}: this is no CSV table in UTF-8 ({error}); save it as that (in a spreadsheet: "
                "CSV UTF-8)"
            ) from error
        if re.fullmatch(r"sep=.?", line.strip()):
            raise DataError(f"{file}, line {number}: {line.strip()!r} stands above the table; set skip_rows: {number}")
        self._check_title(file, header)
        return delimiter, header

    def _check_title(self, file: Path, header: list[str]) -> None:
        """Raise if titles stand above the names of the columns, and say how many."""
        needed = [{**self.default_columns, **self.columns}[name] for name in self.needed_columns()]
        if {*map(cleaned, needed)} <= {*map(cleaned, header)}:
            return
        with opened_text(file) as text:
            above = header_below(text, needed)
        if above is not None and above != self.skip_rows:
            raise DataError(
                f"{file}, line {self.skip_rows + 1}: {shown(', '.join(header))} are no names of columns; those stand "
                f"in line {above + 1}: set skip_rows: {above}"
            )

    def _columns(self, header: list[str], file: Path) -> dict[str, str]:
        """Return which column holds which field, without the timestamps if the rate is known without them."""
        columns = self.found_columns(header, f"{file}, line {self.skip_rows + 1}")
        if self.ignore_timestamps:
            columns.pop("timestamp", None)
        channels = self.channel_columns(header, f"{file}, line {self.skip_rows + 1}") if self.channels else {}
        return columns | {f"{TARGET}:{channel}": column for channel, column in channels.items()}

    def _knows_rate(self, columns: dict[str, str]) -> bool:
        """Tell whether the sampling rate is known without timestamps."""
        is_set = self.sampling_rate_hz or "sampling_rate_hz" in (*columns, *self.constants)
        return bool(is_set) or "(?P<sampling_rate_hz>" in (self.pattern or "")


def _pieces(file: Path, columns: dict[str, str], layout: Layout) -> Iterator[Piece]:
    """Yield a table's rows, cut where the item or the block changes."""
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
    per_row = {TARGET: pyarrow.float64(), "timestamp": pyarrow.string()}
    constant = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    return {column: per_row.get(name.partition(":")[0], constant) for name, column in columns.items()}


def _is_clean(rows: "pyarrow.RecordBatch", columns: dict[str, str]) -> bool:
    """Say whether each row has an item and a finite number; any other block is looked at as text."""
    for targets in (rows[column] for name, column in columns.items() if _is_target(name)):
        is_clean = pyarrow.types.is_floating(targets.type) and not targets.null_count
        if not is_clean or not (np.abs(targets.to_numpy()) <= LARGEST).all():
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
        names = [name for name in rows.schema.names if name.partition(":")[0] not in PER_ROW]
        fields = {name: _constant(rows, name, lines[start:stop], file) for name in names}
        targets = {name.partition(":")[2]: rows[name] for name in rows.schema.names if _is_target(name)}
        timestamps = rows["timestamp"] if "timestamp" in rows.schema.names else None
        yield Piece(fields["item"], lines[start:stop], targets, timestamps, fields)


def _without_empty_lines(
    batch: "pyarrow.RecordBatch", lines: np.ndarray, file: Path
) -> tuple["pyarrow.RecordBatch", np.ndarray]:
    """Drop empty lines; raise if a row has a target and no item."""
    nameless = np.array([is_nothing(name) for name in batch["item"].dictionary.to_pylist()])[
        batch["item"].indices.to_numpy()
    ]
    if not nameless.any():
        return batch, lines
    targets = batch[next(filter(_is_target, batch.schema.names))].filter(pyarrow.array(nameless)).to_pylist()
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


@dataclass
class Rows:
    """The rows of one item.

    Attributes
    ----------
    first_line : int
    fields : mapping
    chunks : dict
        By channel, what its cells hold; the fault of the first that holds no number.
    timestamps, lines : list
        Of each piece with timestamps.
    n_rows : int
    """

    first_line: int
    fields: dict[str, str]
    chunks: dict[str, list[np.ndarray] | SeriesError]
    timestamps: "list[pyarrow.Array]"
    lines: list[np.ndarray]
    n_rows: int = 0


def _gathered(item: str, pieces: Iterator[Piece], file: Path, asks: Asks) -> Rows:
    """Gather the pieces of one item."""
    first = next(pieces)
    rows = Rows(int(first.lines[0]), first.fields, {channel: [] for channel in first.targets}, [], [])
    for piece in chain([first], pieces):
        for name, value in piece.fields.items():
            if value != first.fields[name]:
                raise _not_constant(item, name, first.fields[name], value, f"{file}, line {piece.lines[0]}")
        rows.n_rows += len(piece.lines)
        for channel, chunks in rows.chunks.items():
            if isinstance(chunks, SeriesError):
                continue
            try:
                check_length(rows.n_rows, asks.max_samples, f"{file}, line {first.lines[0]}")
                chunks.append(_numbers(piece, channel, file, asks.decimal))
            except SeriesError as error:
                rows.chunks[channel] = error
        if piece.timestamps is not None:
            rows.timestamps.append(piece.timestamps)
            rows.lines.append(piece.lines)
    return rows


def _load(rows: Rows, channel: str, file: Path, asks: Asks) -> tuple[np.ndarray, float | None]:
    """Return the signal of one item and the rate that its timestamps tell, or raise what is wrong with it."""
    chunks = rows.chunks[channel]
    if isinstance(chunks, SeriesError):
        raise chunks
    signal = np.concatenate(chunks)
    if are_grouped(signal, _lines(file, rows)):
        raise SeriesError(f"{advice(f'{file}, line {rows.first_line}')}; {NEXT_STEP}")
    if not rows.timestamps:
        return signal, None
    texts = pyarrow.compute.utf8_trim_whitespace(pyarrow.concat_arrays(rows.timestamps))
    numbers = np.concatenate(rows.lines)
    if asks.decimal == ",":
        texts = pyarrow.compute.replace_substring(texts, ",", ".")
    if asks.knows_rate:
        check_order(texts, numbers, str(file), asks.rate_hz)
        return signal, None
    return signal, sampling_rate(texts, numbers, str(file))


def _lines(file: Path, rows: Rows) -> Iterator[bytes]:
    """Yield the lines of an item, as they stand in the file."""
    with opened_utf8(file) as stream:
        yield from islice(stream, rows.first_line - 1, rows.first_line - 1 + rows.n_rows)


def _numbers(piece: Piece, channel: str, file: Path, decimal: str) -> np.ndarray:
    """Return the targets of a piece as float64 (n_rows,); raise at the first that is no measured number."""
    targets = piece.targets[channel]
    if not pyarrow.types.is_string(targets.type):
        return targets.to_numpy()
    try:
        signal = pyarrow.compute.cast(targets, pyarrow.float64()).to_numpy(zero_copy_only=False)
    except pyarrow.ArrowInvalid:
        signal = np.array([_number(text, decimal) for text in targets.to_pylist()])
    measured = np.abs(signal) <= LARGEST
    if not measured.all():
        k = int(np.argmin(measured))
        text = targets[k].as_py()
        found = f"{shown(text)}{unmeasured(_number(text, decimal))}{cause_of(text)}"
        raise SeriesError(f"{file}, line {piece.lines[k]}: {channel or TARGET} is {found}; {NEXT_STEP}")
    return signal


def _number(text: str, decimal: str) -> float:
    """Return a text as a float, NaN if it is no number."""
    number = TableLayout(decimal=decimal).number(text.strip())
    return math.nan if number is None else number


PLUGIN = LongCsv
