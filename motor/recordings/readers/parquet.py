"""Parquet tables, one row a recording, the signal in one cell."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import unquote

import numpy as np

from motor.lazy import pyarrow
from motor.recordings.formats.parquet_footer import RowGroup, row_groups
from motor.recordings.names import is_nothing
from motor.recordings.readers.channelled import Channelled, Source
from motor.recordings.readers.source import ITEM_FIELDS
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

# A row group may hold the whole file, so rows are decoded a few at a time.
ROWS_AT_ONCE = 8
# Of a signal's numbers: what is smaller is none, and where more than this share is, the bytes are of another type.
SMALLEST, LEAST_SHARE, FEWEST = 1e-30, 0.01, 8
NARROW, WIDE, MOST_ZEROS = 3.0, 6.0, 0.4  # deviations of the exponents of a signal, and of what is none
SUFFIXES = (".parquet", ".parq", ".pq")


class Parquet(Channelled):
    """One row a recording, read as a stream; folders named ``label=normal`` tell a column, too.

    Expected columns are `item`, `signal` and, where they are there, the fields of a recording under their own
    names; `columns` says where one has another name. A signal is a list of numbers, of fixed size or not, or binary:
    float32, little-endian. `channels` names several such columns.

    Attributes
    ----------
    path : str
        The table, or a folder of such tables (``**/*.parquet``, ``*.parq``, ``*.pq``).
    """

    kind: Literal["parquet"] = "parquet"
    default_columns: ClassVar[Mapping[str, str]] = {name: name for name in ("item", "signal", *ITEM_FIELDS)}
    required_columns: ClassVar[tuple[str, ...]] = ("item", "signal")

    def files(self) -> list[Path]:
        """Return the tables, sorted by name."""
        return self.listed(SUFFIXES, are_tables=True).files

    def passed_over(self) -> str:
        """Return what stands beside the tables; see `Reader.passed_over`."""
        return self.listed(SUFFIXES, are_tables=True).summary()

    def sources(self) -> Iterator[Source]:
        """Yield one source a row."""
        for file in self.files():
            try:
                table = pyarrow.parquet.ParquetFile(file, page_checksum_verification=True)
            except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
                raise DataError(f"{file}: this is no Parquet file ({_reason(error)}); write it anew") from error
            with table:
                names, folders = table.schema_arrow.names, _partitions(file, Path(self.path))
                found = self.found_columns([*names, *(name for name in folders if name not in names)], str(file))
                columns = {name: column for name, column in found.items() if column in names}
                by_folder = {name: folders[column] for name, column in found.items() if column not in names}
                signals = self.channel_columns(names, str(file)) if self.channels else {"": columns.pop("signal")}
                for column in signals.values():
                    _check_signal_type(table.schema_arrow.field(column), file)
                yield from self._rows(table, columns, signals, by_folder, file)

    def _rows(
        self,
        table: "pyarrow.parquet.ParquetFile",
        columns: dict[str, str],
        signals: dict[str, str],
        by_folder: dict[str, str],
        file: Path,
    ) -> Iterator[Source]:
        """Yield one source a row and channel; rows count from 0."""
        row = 0
        for batch in self._batches(table, [*columns.values()], [*signals.values()], file):
            try:
                fields = {name: batch.column(column).to_pylist() for name, column in columns.items()}
            except UnicodeDecodeError as error:
                raise DataError(f"{file}, row {row} or after: a text is not UTF-8 ({error}); write it anew") from error
            cells_of = {channel: batch.column(column) for channel, column in signals.items()}
            for k in range(batch.num_rows):
                place = f"{file}, row {row + k}"
                values: dict[str, Any] = by_folder | {name: cells[k] for name, cells in fields.items()}
                if is_nothing(values["item"]):
                    raise DataError(f"{place}: the item is {values['item']!r}; give each recording a name")
                item = str(values.pop("item"))
                loads = {channel: partial(_load, of[k], place) for channel, of in cells_of.items()}
                if self.channels:
                    yield from self.of_channels(item, place, loads, values)
                else:
                    yield Source(item, place, loads[""], values)
            row += batch.num_rows

    def _batches(
        self, table: "pyarrow.parquet.ParquetFile", columns: list[str], signals: list[str], file: Path
    ) -> "Iterator[pyarrow.RecordBatch]":
        """Yield rows, a few at once, group by group; raise before a group is read that holds too many samples."""
        wanted = list(dict.fromkeys([*columns, *signals]))
        for group, declared in enumerate(_declared(file)):
            n_rows, n_samples = declared.n_rows, max(map(declared.n_samples, signals))
            if n_samples > self.max_samples * n_rows:
                raise DataError(
                    f"{file}, row group {group}: {n_samples} samples in {n_rows} rows; allowed: {self.max_samples} a "
                    "row; cut the recordings, or raise max_samples"
                )
            at_once = ROWS_AT_ONCE if n_samples <= self.max_samples else 1
            try:
                yield from table.iter_batches(batch_size=at_once, row_groups=[group], columns=wanted)
            except (pyarrow.ArrowException, OSError) as error:
                raise DataError(f"{file}, row group {group}: damaged ({_reason(error)}); write it anew") from error


def _declared(file: Path) -> tuple[RowGroup, ...]:
    """Return what a file's footer says of its row groups."""
    try:
        return row_groups(file)
    except ValueError as error:
        raise DataError(f"{file}: this is no Parquet file ({_reason(error)}); write it anew") from error


def _partitions(file: Path, root: Path) -> dict[str, str]:
    """Return what the folders of a table tell, as Spark and Hive write it: ``label=normal/part-0.parquet``."""
    parts = file.relative_to(root).parts[:-1] if file.is_relative_to(root) else ()
    pairs = (part.partition("=") for part in parts)
    return {name: unquote(value) for name, mark, value in pairs if mark}


def _reason(error: Exception) -> str:
    """Return what a library says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _check_signal_type(column: "pyarrow.Field", file: Path) -> None:
    """Raise if cells of this type cannot hold a signal."""
    is_list = (
        pyarrow.types.is_list(column.type)
        or pyarrow.types.is_large_list(column.type)
        or pyarrow.types.is_fixed_size_list(column.type)
    )
    if is_list and (
        pyarrow.types.is_floating(column.type.value_type) or pyarrow.types.is_integer(column.type.value_type)
    ):
        return
    if (
        pyarrow.types.is_binary(column.type)
        or pyarrow.types.is_large_binary(column.type)
        or pyarrow.types.is_fixed_size_binary(column.type)
    ):
        return
    raise DataError(
        f"{file}: column {column.name!r} is {column.type}; allowed: a list of numbers, or binary with float32; "
        "set columns.signal to such a column"
    )


def _load(cell: "pyarrow.Scalar", place: str) -> tuple[np.ndarray, None]:
    """Return the signal in one cell."""
    if not cell.is_valid:
        raise SeriesError(f"{place}: the signal is null; {NEXT_STEP}")
    if not isinstance(cell, pyarrow.BinaryScalar):
        return cell.values.to_numpy(zero_copy_only=False), None
    content = cell.as_py()
    if len(content) % 4:
        raise SeriesError(f"{place}: {len(content)} bytes are no row of float32, of 4 bytes each; {NEXT_STEP}")
    signal = np.frombuffer(content, dtype="<f4")
    if reason := _other_type(signal):
        raise SeriesError(f"{place}: {reason}; write float32, little-endian, or a list of numbers; {NEXT_STEP}")
    return signal, None


def _other_type(signal: np.ndarray) -> str | None:
    """Return why bytes are no float32, None if they may be.

    Other types, taken for float32, show by their exponents: integers and bytes in another order give numbers that no
    converter gives, floats of 64 bits the same at every second place. Huge ones and NaN are found elsewhere.
    """
    magnitudes = np.abs(signal[signal != 0])
    tiny = float(np.mean(magnitudes < SMALLEST)) if len(magnitudes) else 0.0
    if tiny > LEAST_SHARE:
        return f"{tiny:.0%} of its numbers are below {SMALLEST:g} as float32: are these integers?"
    if len(signal) >= FEWEST and not signal[::2].any() and signal[1::2].any():
        return "every second number is 0 as float32: are these floats of 64 bits?"
    halves = signal.view("<f2")
    if np.isfinite(halves).all() and np.mean(halves == 0) < MOST_ZEROS and _spread(halves) < NARROW:
        return "they look like floats of 16 bits" if _spread(signal) > WIDE else None
    return None


def _spread(values: np.ndarray) -> float:
    """Return the standard deviation of the exponents of numbers."""
    exponents = np.frexp(values[values != 0])[1]
    return float(exponents.std()) if len(exponents) >= FEWEST else 0.0


PLUGIN = Parquet
