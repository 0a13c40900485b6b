"""Signals in ``.csv`` files, as recorders, spreadsheets and programs write them."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, ClassVar

import numpy as np

from motor.recordings.formats.base import Format, Signal, SignalOptions, Variable, single
from motor.recordings.formats.choosing import chosen
from motor.recordings.formats.layout import PLAIN, TableLayout
from motor.recordings.formats.lines import check_cells
from motor.recordings.formats.shapes import check_length, unreadable
from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, SeriesError
from motor.recordings.text import encoding_of
from motor.recordings.told import Value

BLANKS = r"\s+"
LOOKED_AT = 64  # lines in which the first one of numbers is searched
LONGEST_LINE = 2**20
FEWEST_TIMES, LONGEST_STEP_S = 8, 0.1  # of what may be a time
GROUPED = re.compile(r"[+-]?\d{1,3}([,_' ]\d{3})+([.,]\d+)?")  # a number with separators of thousands
COLUMN = re.compile(r"column ([1-9]\d*)")


@dataclass(frozen=True)
class Head:
    """What the first lines of a table tell.

    Attributes
    ----------
    n_skipped : int
        Lines above the numbers.
    separator : str
    names : list of str
        Of the columns, in the file or by their number.
    n_cells : int
        Of each line; one more than names where lines end with a separator.
    """

    n_skipped: int
    separator: str
    names: list[str]
    n_cells: int


class Table(Format):
    """Tables of numbers as text: columns by name or number."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt", ".tsv", ".dat", ".asc")

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return the columns, by what the first lines tell; how long they are is not known before all is read."""
        with _opened(path) as stream:
            head = _head(path, stream, options.table)
            stream.seek(0)
            lines = _first_lines(path, stream)[head.n_skipped :]
        rate_hz = _rate_by_time(lines, head.separator, options.table)
        cells = cells_of(next((line for line in lines if line.strip()), ""), head.separator)
        are_words = [options.table.number(cell) is None and bool(cell) for cell in cells]
        kinds = ["text" if is_word else "float64" for is_word in are_words] + ["float64"] * head.n_cells
        return [Variable(name, (), kind, rate_hz) for name, kind in zip(_wanted(head), kinds, strict=False)]

    def read(self, path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
        """Read the named columns, or the only one."""
        return [Signal(values) for values in _columns_of(path, wanted, options)]

    def value(self, path: Path, wanted: str, options: SignalOptions) -> Value:
        """Return the one number that a column has in every line."""
        return single(_columns_of(path, [wanted], options)[0], f"{path}, column {wanted!r}")


FORMAT = Table()


def titles_above(path: Path) -> int | None:
    """Return how many lines to skip above a table (above its columns' names, if there are some).

    None where nothing has to be skipped, or nothing below looks like a table.

    Raises
    ------
    SeriesError
        If it is no text.
    """
    with _opened(path) as stream:
        lines = _first_lines(path, stream)
    first = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    found = None if first is None else _titles(lines, first, PLAIN)
    if first is None or found is None or found[0] <= first + (found[0] == found[1]):
        return None
    return found[0]


def holds_numbers(path: Path) -> bool:
    """Tell whether a file of any name is text with rows of numbers, perhaps under lines of titles."""
    try:
        with _opened(path) as stream:
            lines = [line for line in _first_lines(path, stream) if line.strip()]
    except SeriesError:
        return False
    rows = [_numbers(line, PLAIN) for line in lines]
    begin = next((number for number, row in enumerate(rows) if row), len(rows))
    return len({len(row) for row in rows[begin:]} | {0 if begin == len(rows) else len(rows[begin])}) == 1 and any(rows)


def _columns_of(path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[np.ndarray]:
    """Read the only column, the second beside a time, or the named ones, each as float64 (n_samples,).

    Raises
    ------
    SeriesError
        If a line has another number of cells, or a cell of the column is no finite number. It names the line.
    """
    import pandas

    table, max_samples = options.table, options.max_samples
    with _opened(path) as stream:
        head = _head(path, stream, table)
        places = [_columns(path, head, one) for one in wanted]
        columns, beside_time = sorted({place for of, _ in places for place in of}), any(timed for _, timed in places)
        stream.seek(0)
        n_lines, has_words = check_cells(path, stream, head.n_skipped, head.separator, head.n_cells)
        check_length(n_lines, max_samples, str(path))
        stream.seek(0)
        try:
            frame = pandas.read_csv(
                stream,
                sep=head.separator,
                header=None,
                skiprows=head.n_skipped,
                usecols=columns,
                dtype=np.float64,
                decimal=table.decimal,
            )
        except (ValueError, OSError, OverflowError) as error:
            raise _fault(path, stream, head, columns, table) or unreadable(path, error) from error
        values = frame.to_numpy()
        if not len(values) or not np.isfinite(values).all() or has_words:  # pandas takes True for 1
            fault = _fault(path, stream, head, columns, table)
            if fault or not len(values):
                raise fault or SeriesError(f"{path}: no sample; {NEXT_STEP}")
    if beside_time and not (np.diff(values[:, 0]) > 0).all():
        raise SeriesError(
            f"{path}: two columns ({', '.join(head.names)}), and the first does not only grow, so it is no time; "
            f"name the signal's column in variable ({' or '.join(_wanted(head))}), or leave one column"
            + ("; or are these decimal commas? set decimal: ','" if head.separator == "," else "")
        )
    return [values[:, columns.index(of[-1])] for of, _ in places]


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a table as UTF-8."""
    encoding = encoding_of(path)
    if encoding != "utf-16":
        with path.open("rb") as stream:
            yield stream
        return
    try:
        yield io.BytesIO(path.read_bytes().decode(encoding).encode())
    except UnicodeDecodeError as error:
        raise unreadable(path, error) from error


def _first_lines(path: Path, stream: IO[bytes]) -> list[str]:
    lines = []
    for number in range(1, LOOKED_AT + 1):
        line = stream.readline(LONGEST_LINE)
        if not line:
            break
        try:
            lines.append(line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            raise SeriesError(
                f"{path}, line {number}: byte {line[error.start]:#x} is not UTF-8; save the table as that (in a "
                "spreadsheet: CSV UTF-8)"
            ) from error
        if "\r" in lines[-1]:
            raise SeriesError(f"{path}: its lines end with carriage returns alone; end them with line feeds")
        if "\0" in lines[-1]:
            raise SeriesError(f"{path}, line {number}: it holds NUL, so it is no text; {NEXT_STEP}")
    return lines


def _head(path: Path, stream: IO[bytes], table: TableLayout) -> Head:
    """Return what the first lines tell."""
    lines, delimiter = _first_lines(path, stream), table.delimiter
    start = table.skip_rows
    if start is None:
        start = 0
        while start < len(lines) and (not lines[start].strip() or lines[start].lstrip().startswith("#")):
            start += 1
        mark = re.fullmatch(r"sep=(.)", lines[start].strip()) if start < len(lines) else None
        if mark:  # what Excel reads
            delimiter, start = delimiter or mark[1], start + 1
    rows = [number for number in range(start, len(lines)) if lines[number].strip()]
    if not rows:
        raise SeriesError(f"{path}: no sample in {len(lines)} lines; {NEXT_STEP}")
    first, second = rows[0], rows[min(1, len(rows) - 1)]
    separator = delimiter or _separator(lines[second], table)
    cells, below = cells_of(lines[first], separator), cells_of(lines[second], separator)
    is_ended = len(cells) > 1 and cells[-1] == below[-1] == ""  # lines that end with a separator
    held = [cell for cell in cells if cell]
    is_numbered = cells == ["", *(str(number) for number in range(len(cells) - 1))]  # as pandas names columns
    has_gap = (is_ended or len(held) < len(cells)) and not is_numbered
    if table.are_numbers(held) and len(cells) == len(below) and has_gap:
        return Head(first, separator, [f"column {k + 1}" for k in range(len(cells) - is_ended)], len(cells))
    if table.are_numbers(cells) and len(cells) == len(below):
        if table.skip_rows is None and cells == [str(number) for number in range(len(cells))]:
            raise SeriesError(
                f"{path}, line {first + 1}: {lines[first].strip()!r} may be the columns' numbers, as pandas writes "
                f"them, or samples; say which by skip_rows: {first + 1} (leave it out) or skip_rows: {first} (read it)"
            )
        return Head(first, separator, [f"column {k + 1}" for k in range(len(cells))], len(cells))
    _check_title(path, lines, first, second, separator, table)
    if len(cells) != len(below):  # a title of one line above numbers, which tells no names
        cells = [f"column {k + 1}" for k in range(len(below))]
    elif is_ended:
        return Head(first + 1, separator, cells[:-1], len(cells))
    return Head(first + 1, separator, cells, len(below))


def _separator(line: str, table: TableLayout) -> str:
    """Return what separates the cells of a line of numbers; a header of one column may hold blanks."""
    marks = (";", "\t", "|") if table.decimal == "," else (";", "\t", "|", ",")
    return next((mark for mark in marks if mark in line), BLANKS)


def _check_title(path: Path, lines: list[str], first: int, second: int, separator: str, table: TableLayout) -> None:
    """Raise if there are more lines of words above the numbers than the names of columns, and say how many."""
    found = _titles(lines, first, table)
    if found is not None and _are_grouped(cells_of(lines[second], separator), table):
        return  # numbers with separators of thousands are no title: to skip them would lose samples
    if found is not None and found[1] > second:
        raise SeriesError(
            f"{path}, line {second + 1}: {shown(lines[second])} is no row of numbers; those begin in line "
            f"{found[1] + 1}: set skip_rows: {found[0]}"
        )


def _are_grouped(cells: Sequence[str], table: TableLayout) -> bool:
    """Tell whether cells are numbers, some with separators of thousands."""
    others = [cell for cell in cells if table.number(cell) is None]
    return bool(others) and all(GROUPED.fullmatch(cell) for cell in others)


def _titles(lines: list[str], first: int, table: TableLayout) -> tuple[int, int] | None:
    """Return how many lines to skip, and how many are above the numbers; None if there are no numbers."""
    numbers = next((number for number in range(first + 1, len(lines)) if _numbers(lines[number], table)), None)
    if numbers is None:
        return None
    above = max(number for number in range(first, numbers) if lines[number].strip())
    width = [len(cells_of(lines[number], _separator(lines[numbers], table))) for number in (above, numbers)]
    return (above if width[0] == width[1] else numbers), numbers


def _numbers(line: str, table: TableLayout) -> list[str]:
    """Return the cells of a line of numbers, which may end with a separator; none of another."""
    cells = cells_of(line, _separator(line, table))
    cells = cells[:-1] if len(cells) > 1 and not cells[-1] else cells
    return cells if table.are_numbers(cells) else []


def _rate_by_time(lines: list[str], separator: str, table: TableLayout) -> float | None:
    """Return the rate (Hz) that the first column tells, if it looks like a time in seconds: growing evenly."""
    cells = [cells_of(line, separator)[0] for line in lines if line.strip()]
    times = np.array([np.nan if (time := table.number(cell)) is None else time for cell in cells])
    if len(times) < FEWEST_TIMES or not np.isfinite(times).all():
        return None
    step = (times[-1] - times[0]) / (len(times) - 1)
    if not 0 < step <= LONGEST_STEP_S:
        return None
    is_even = np.abs(times - times[0] - step * np.arange(len(times))).max() <= 2 * step  # times may be rounded
    return float(f"{1 / step:.4g}") if is_even and (np.diff(times) >= 0).all() else None


def _columns(path: Path, head: Head, variable: str | None) -> tuple[list[int], bool]:
    """Return the places of the columns to read, the signal's last, and whether the first is a time."""
    if variable is None and len(head.names) == 2:
        return [0, 1], True
    by_number = COLUMN.fullmatch(variable or "")
    if by_number and variable not in head.names and int(by_number[1]) <= head.n_cells:
        return [int(by_number[1]) - 1], False
    return [head.names.index(chosen(head.names, variable, f"{path}: column"))], False


def _wanted(head: Head) -> list[str]:
    return [name or f"column {place}" for place, name in enumerate(head.names, 1)]


def _fault(path: Path, stream: IO[bytes], head: Head, columns: list[int], table: TableLayout) -> SeriesError | None:
    """Return the error of the first line that holds no number where it should, None if there is none."""
    stream.seek(0)
    for number, raw in enumerate(islice(stream, head.n_skipped, None), head.n_skipped + 1):
        line = raw.decode("utf-8", errors="replace")
        if not line.strip():
            continue
        if line.count('"') % 2:
            return SeriesError(f"{path}, line {number}: a quote in {shown(line.strip())} is not closed; {NEXT_STEP}")
        cells = cells_of(line.removeprefix("\ufeff") if number == 1 else line, head.separator)
        for column in columns:
            text = cells[column] if column < len(cells) else ""
            value = table.number(text)
            if value is None or not math.isfinite(value):
                beside = f", or name the signal's column in variable ({' or '.join(_wanted(head))})"
                return SeriesError(
                    f"{path}, line {number}: column {column + 1} is {shown(text)}, no finite number{cause_of(text)}; "
                    f"{NEXT_STEP}{beside if len(head.names) > 1 else ''}"
                )
    return None


def cause_of(text: str) -> str:
    """Return in words what a cell looks like that is no number."""
    causes = []
    if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", text):
        causes.append("a decimal comma? set decimal: ','")
    if GROUPED.fullmatch(text):
        causes.append("separators of thousands? write numbers without them")
    if re.fullmatch(r"[+-]?[\d.]+[dD][+-]?\d+", text):
        causes.append("a Fortran exponent? write e for d")
    if text.count(",") and text.count(".") == 1 and not causes:
        causes.append("another decimal mark? set decimal and delimiter")
    return f" ({'; '.join(causes)})" if causes else ""


def cells_of(line: str, separator: str) -> list[str]:
    """Return the cells of a line, without blanks and quotes."""
    if separator == BLANKS:
        cells = [cell for cell in re.split("[ \t\r\n]+", line) if cell]  # as the parser does: others are no blanks
    elif '"' in line:
        cells = next(csv.reader([line.strip("\r\n")], delimiter=separator), [])
    else:
        cells = line.strip("\r\n").split(separator)
    return [cell.strip().strip('"') for cell in cells]
