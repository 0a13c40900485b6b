"""A long CSV table in blocks of whole lines: parsed on several threads, handed on in the order of the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from motor.lazy import pyarrow
from motor.recordings.ordered import ordered_map, threads_of_a_generator
from motor.recordings.recording import DataError
from motor.recordings.text import opened_utf8

# What one thread parses at once: some ten thousand rows, in its cache.
BLOCK_BYTES = 2 * 2**20
# Whoever gathers the rows of an item and writes them is a third thread, and has less to do.
N_THREADS = 2
# Parsed blocks that wait: what covers the moments in which the thread that takes them writes to disk.
N_AHEAD = 16
LONGEST_LINE = 2**26


@dataclass(frozen=True)
class Layout:
    """What tells how a line is read: the names of its cells, what separates them, and the types of those to take."""

    header: tuple[str, ...]
    delimiter: str
    types: Mapping[str, "pyarrow.DataType"]
    decimal: str = "."
    skip_rows: int = 0  # lines above the header

    def as_text(self) -> "Layout":
        """Return the layout that takes numbers as text, in which a fault can be shown as it stands."""
        read = {
            name: pyarrow.string() if pyarrow.types.is_floating(kind) else kind for name, kind in self.types.items()
        }
        return replace(self, types=read)


@dataclass(frozen=True)
class Block:
    """Some whole lines of a table.

    Attributes
    ----------
    content : bytes
    first_line : int
        Its number in the file, from 1.
    rows : pyarrow.RecordBatch
        One row a line, empty lines included. Numbers are text in all of them if some cell is none.
    """

    content: bytes
    first_line: int
    rows: "pyarrow.RecordBatch"


class MalformedRow(ValueError):
    """A line with too many or too few cells; `row` counts from 0 in its block."""

    def __init__(self, row: int, n_cells: int) -> None:
        super().__init__(row, n_cells)
        self.row, self.n_cells = row, n_cells


def parsed_blocks(file: Path, layout: Layout) -> Iterator[Block]:
    """Yield a table's blocks in the order of the file, in bounded memory.

    Raises
    ------
    DataError
        If a line has too many or too few cells, is not UTF-8, or does not end. The message names the line.
    """
    line = layout.skip_rows + 2
    with threads_of_a_generator(N_THREADS) as executor:
        for content, rows in ordered_map(
            partial(_parsed, layout), _readable(file, layout.skip_rows), executor, N_AHEAD
        ):
            _check_ends(content, file, line)
            block = Block(content, line, parse(content, layout.as_text(), file, line) if rows is None else rows)
            yield block
            line += block.rows.num_rows


def parse(content: bytes, layout: Layout, file: Path, first_line: int) -> "pyarrow.RecordBatch":
    """Parse some lines on this thread.

    Raises
    ------
    DataError
        If they cannot be read as what the layout says.
    """
    try:
        return _parse(content, layout)
    except MalformedRow as error:
        place = f"{file}, line {first_line + error.row}"
        cells = f"{error.n_cells} cells, the header has {len(layout.header)}"
        raise DataError(f"{place}: {cells}; correct the line") from error
    except pyarrow.ArrowInvalid as error:
        raise _unreadable(content, file, first_line, error) from error


def _parsed(layout: Layout, content: bytes) -> "tuple[bytes, pyarrow.RecordBatch | None]":
    """Parse some lines, None if there is a fault: only the order of the blocks tells the number of its line."""
    try:
        return content, _parse(content, layout)
    except (MalformedRow, pyarrow.ArrowInvalid):
        return content, None


def _parse(content: bytes, layout: Layout) -> "pyarrow.RecordBatch":
    malformed: list[Any] = []

    def note(row: Any) -> str:
        malformed.append(row)
        return "error"

    try:
        table = pyarrow.csv.read_csv(
            pyarrow.py_buffer(content),
            # One thread, for only then a malformed row is reported with its number.
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=len(content) + 1, column_names=layout.header
            ),
            # Empty lines have to count, or the numbers of the lines after them would be wrong.
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=layout.delimiter, ignore_empty_lines=False, invalid_row_handler=note
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(layout.types), column_types=layout.types, decimal_point=layout.decimal
            ),
        )
    except pyarrow.ArrowInvalid as error:
        if malformed:
            raise MalformedRow(malformed[0].number - 1, malformed[0].actual_columns) from error
        raise
    return table.combine_chunks().to_batches()[0]


def _readable(file: Path, skip_rows: int) -> Iterator[bytes]:
    """Yield what `_contents` does; say of UTF-16 that is none what is wrong with it."""
    try:
        yield from _contents(file, skip_rows)
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: it begins as UTF-16, and is none ({error}); save the table as UTF-8") from error


def _contents(file: Path, skip_rows: int) -> Iterator[bytes]:
    """Yield the lines after the header, some whole ones at once."""
    with opened_utf8(file) as stream:
        for _ in range(skip_rows):
            stream.readline(LONGEST_LINE)
        if b"\r" in stream.readline(LONGEST_LINE).rstrip(b"\r\n"):
            raise DataError(f"{file}: its lines end with carriage returns alone; end them with line feeds")
        rest = b""
        while content := stream.read(BLOCK_BYTES):
            end = content.rfind(b"\n") + 1
            if end:
                yield rest + content[:end]
                rest = content[end:]
            else:
                rest += content
            if len(rest) > LONGEST_LINE:
                raise DataError(f"{file}: a line of more than {LONGEST_LINE} bytes; end lines with line feeds")
        if rest:
            yield rest


def _check_ends(content: bytes, file: Path, first_line: int) -> None:
    """Raise at a carriage return within a line: parsers take it for the line's end, and count on from there."""
    if content.count(b"\r") == content.count(b"\r\n"):
        return
    place = next(place for place, byte in enumerate(content) if byte == 13 and content[place + 1 : place + 2] != b"\n")
    line = first_line + content.count(b"\n", 0, place)
    raise DataError(f"{file}, line {line}: a carriage return within the line; take it out")


def _unreadable(content: bytes, file: Path, first_line: int, error: Exception) -> DataError:
    """Return the error of lines that not even text can be read from."""
    reason = " ".join(str(error).split())
    for number, line in enumerate(content.split(b"\n"), first_line):
        try:
            line.decode()
        except UnicodeDecodeError:
            return DataError(f"{file}, line {number}: this is not UTF-8 ({reason}); save the table as that")
    last = first_line + content.count(b"\n")
    return DataError(f"{file}, lines {first_line} to {last}: {reason}; correct the table")
