"""Parquet tables, one row a recording, the signal in one cell."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from motor.recordings.readers.base import ITEM_FIELDS, Reader, Source
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

if TYPE_CHECKING:
    import pyarrow

# A row group may hold the whole file, so rows are decoded a few at a time.
ROWS_AT_ONCE = 8
SUFFIXES = (".parquet", ".parq", ".pq")


class Parquet(Reader):
    """One row a recording, read as a stream.

    Expected columns are `item`, `signal` and, where they are there, the fields of a recording under their own
    names; `columns` says where one has another name. A signal is a list of numbers, of fixed size or not, or binary:
    float32, little-endian.

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
        return self.listed(SUFFIXES, are_tables=True).told()

    def sources(self) -> Iterator[Source]:
        """Yield one source a row."""
        import pyarrow
        import pyarrow.parquet

        for file in self.files():
            try:
                table = pyarrow.parquet.ParquetFile(file)
            except pyarrow.ArrowInvalid as error:
                raise DataError(f"{file}: this is no Parquet file ({error}); write it anew") from error
            with table:
                columns = self.found_columns(table.schema_arrow.names, str(file))
                _check_signal_type(table.schema_arrow.field(columns["signal"]), file)
                yield from _rows(table, columns, file)


def _check_signal_type(column: "pyarrow.Field", file: Path) -> None:
    """Raise if cells of this type cannot hold a signal."""
    from pyarrow import types

    is_list = types.is_list(column.type) or types.is_large_list(column.type) or types.is_fixed_size_list(column.type)
    if is_list and (types.is_floating(column.type.value_type) or types.is_integer(column.type.value_type)):
        return
    if types.is_binary(column.type) or types.is_large_binary(column.type) or types.is_fixed_size_binary(column.type):
        return
    raise DataError(
        f"{file}: column {column.name!r} is {column.type}; allowed: a list of numbers, or binary with float32; "
        "set columns.signal to such a column"
    )


def _rows(table: "pyarrow.parquet.ParquetFile", columns: dict[str, str], file: Path) -> Iterator[Source]:
    """Yield one source a row; rows count from 0."""
    row = 0
    for batch in table.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(dict.fromkeys(columns.values()))):
        told = {name: batch.column(column).to_pylist() for name, column in columns.items() if name != "signal"}
        signals = batch.column(columns["signal"])
        for k in range(batch.num_rows):
            place = f"{file}, row {row + k}"
            values: dict[str, Any] = {name: cells[k] for name, cells in told.items()}
            if values["item"] in (None, ""):
                raise DataError(f"{place}: the item is {values['item']!r}; give each recording a name")
            yield Source(str(values.pop("item")), place, partial(_load, signals[k], place), values)
        row += batch.num_rows


def _load(cell: "pyarrow.Scalar", place: str) -> tuple[np.ndarray, None]:
    """Return the signal in one cell."""
    import pyarrow

    if not cell.is_valid:
        raise SeriesError(f"{place}: the signal is null; {NEXT_STEP}")
    if not isinstance(cell, pyarrow.BinaryScalar):
        return cell.values.to_numpy(zero_copy_only=False), None
    content = cell.as_py()
    if len(content) % 4:
        raise SeriesError(f"{place}: {len(content)} bytes are no row of float32, of 4 bytes each; {NEXT_STEP}")
    return np.frombuffer(content, dtype="<f4"), None


PLUGIN = Parquet
