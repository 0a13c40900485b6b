"""Signals in the columns of a Parquet file, one row a sample."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from motor.lazy import pyarrow
from motor.recordings.formats.base import Box, BoxFormat, SignalOptions, Variable
from motor.recordings.formats.choosing import Line
from motor.recordings.formats.parquet_footer import row_groups
from motor.recordings.formats.shapes import unreadable
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

KINDS = {"double": "float64", "float": "float32", "halffloat": "float16", "string": "text", "large_string": "text"}


@dataclass
class _Columns(Box):
    """Columns of a table."""

    table: Any = None

    def array(self, name: str, line: Line | None) -> np.ndarray:
        """Return a column; empty cells are no samples."""
        if line is not None:
            raise SeriesError(f"{self.place}: column {name!r} is no matrix, and has no {line}; name the column alone")
        column = self.table.read(columns=[name]).column(0)
        if column.null_count:
            row = next(k for k, cell in enumerate(column.is_null().to_pylist()) if cell)
            raise SeriesError(f"{self.place}, row {row}: column {name!r} has no value; {NEXT_STEP}")
        return column.to_numpy()


class ParquetColumns(BoxFormat):
    """Columns by name or number; a table with a signal in each row is read by the reader ``parquet``."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".parq", ".pq")

    @contextmanager
    def opened(self, path: Path, options: SignalOptions) -> Iterator[Box]:
        """Open a table."""
        try:
            n_rows = sum(group.n_rows for group in row_groups(path))
            with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as table:
                variables = [
                    Variable(of.name, (n_rows,), KINDS.get(str(of.type), str(of.type))) for of in table.schema_arrow
                ]
                yield _Columns(str(path), variables, are_columns=True, table=table)
        except DataError:
            raise
        except (pyarrow.ArrowException, OSError, ValueError, MemoryError) as error:
            raise unreadable(path, error) from error


FORMAT = ParquetColumns()
