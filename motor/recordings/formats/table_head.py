"""What the first lines of a table tell: where its numbers begin, what separates them, and the names of its columns."""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from motor.recordings.formats.layout import TableLayout
from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, SeriesError
from motor.recordings.text import MARK, SEP

BLANKS = r"\s+"
LOOKED_AT = 64  # lines in which the first one of numbers is searched
MOST_TITLES = 4096  # lines above the numbers, where there are none in the first ones
LONGEST_LINE = 2**20
FEWEST_BELOW = 3  # rows, all with fractions, below whole numbers that may be names
GROUPED = re.compile(r"[+-]?\d{1,3}([,_'\u00a0\u2009\u202f ]\d{3})+([.,]\d+)?")  # with separators of thousands
GROUPED_BY_DOTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
DATE = re.compile(r"\d[-/:]\d+[-/:]\d|\d{1,2}:\d\d|^\d{1,2}\.\d{1,2}\.\d{2,4}( |$)")
OTHER_MINUS = re.compile(r"[\u2212\u2013\u2012\u2014][\d.,]+|[\d.,]+-|\([\d.,]+\)")
SEPARATED = re.compile(r"(?!\d{1,2}:\d\d(?::|$))[+-]?\d*\.?\d+([:~^!#$&@\\=])[+-]?\d*\.?\d+.*", re.ASCII)
UNIT_BEHIND = re.compile(r"[+-]?\d*\.?\d+(%|[^\W\d_eEdDxX][^\d,;|]*)", re.ASCII)


@dataclass(frozen=True)
class Head:
    """The layout of a table, as its first lines show it.

    Attributes
    ----------
    n_skipped : int
        Lines above the numbers.
    separator : str
    names : list of str
        Of the columns, in the file or by their number.
    n_cells : int
        Of each line; one more than names where lines end with a separator.
    is_named : bool
        Whether the names stand in the file.
    """

    n_skipped: int
    separator: str
    names: list[str]
    n_cells: int
    is_named: bool = True


def first_lines(path: Path, stream: IO[bytes], most: int = LOOKED_AT) -> list[str]:
    """Return the first lines of a table, without their ends.

    Raises
    ------
    SeriesError
        If they are no text in UTF-8, or end with carriage returns alone.
    """
    lines = []
    for number in range(1, most + 1):
        line = stream.readline(LONGEST_LINE)
        if not line:
            break
        try:
            text = line.decode().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise SeriesError(
                f"{path}, line {number}: byte {line[error.start]:#x} is not UTF-8; save the table as that (in a "
                "spreadsheet: CSV UTF-8)"
            ) from error
        lines.append(text.lstrip(MARK) if number == 1 else text)
        if "\r" in lines[-1]:
            raise SeriesError(f"{path}: its lines end with carriage returns alone; end them with line feeds")
        if "\0" in lines[-1]:
            raise SeriesError(
                f"{path}, line {number}: it holds NUL, so it is no text in UTF-8; save the table as that (in a "
                f"spreadsheet: CSV UTF-8), or {NEXT_STEP}"
            )
    return lines


def below(stream: IO[bytes], n_lines: int) -> IO[bytes]:
    """Return a table's stream behind some lines, and behind its mark; quotes above the numbers mean nothing."""
    stream.seek(0)
    place, mark = 0, MARK.encode()
    while stream.read(len(mark)) == mark:
        place += len(mark)
    stream.seek(place)
    for _ in range(n_lines):
        stream.readline()
    return stream


def head_of(path: Path, stream: IO[bytes], table: TableLayout) -> Head:
    """Return what the first lines tell.

    Raises
    ------
    SeriesError
        If there are no samples; if numbers may be names, or titles stand above; the message tells the setting.
    """
    skipped = table.skip_rows or 0
    lines, delimiter = first_lines(path, stream, skipped + LOOKED_AT), table.delimiter
    start = skipped
    if table.skip_rows is None:
        while start < len(lines) and (not lines[start].strip() or lines[start].lstrip().startswith("#")):
            start += 1
        mark = SEP.fullmatch(lines[start].strip()) if start < len(lines) else None
        if mark:
            delimiter, start = delimiter or mark[1], start + 1
    if len(lines) == skipped + LOOKED_AT and not any(numbers_of(line, table) for line in lines[start:]):
        stream.seek(0)
        lines = first_lines(path, stream, skipped + MOST_TITLES)
    rows = [number for number in range(start, len(lines)) if lines[number].strip()]
    if not rows:
        raise SeriesError(f"{path}: no sample in {len(lines)} lines; {NEXT_STEP}")
    first, second = rows[0], rows[min(1, len(rows) - 1)]
    separator = delimiter or separator_of(lines[second], table)
    cells, under = cells_of(lines[first], separator), cells_of(lines[second], separator)
    is_ended = len(cells) > 1 and cells[-1] == under[-1] == ""  # lines that end with a separator
    is_text = len(cells) == len(under) and _are_alike(cells, under, table) and titles(lines, first, table) is None
    if is_text or (len(cells) == len(under) and _are_numbers(cells, table)):
        if table.skip_rows is None:
            _check_no_names(path, lines, rows, separator, table)
        names = [f"column {k + 1}" for k in range(len(cells) - is_ended)]
        return Head(first, separator, names, len(cells), is_named=False)
    _check_title(path, lines, first, second, separator, table)
    if len(cells) != len(under):  # a title of one line above numbers, which tells no names
        return Head(first + 1, separator, [f"column {k + 1}" for k in range(len(under))], len(under), is_named=False)
    return Head(first + 1, separator, cells[:-1] if is_ended else cells, len(under))


def _are_numbers(cells: list[str], table: TableLayout) -> bool:
    """Tell whether the cells of the first line are numbers, not names, or such as nobody can read."""
    held = [cell for cell in cells if cell]
    if table.are_numbers(held):
        return cells != ["", *map(str, range(len(cells) - 1))]  # as pandas names columns
    return bool(held) and all(_is_nearly_number(cell) or table.number(cell) is not None for cell in held)


def _are_alike(cells: list[str], under: list[str], table: TableLayout) -> bool:
    """Tell whether the first line has numbers and texts where the next one has, say a date before a sample."""
    kinds = [[table.number(cell) is not None for cell in row] for row in (cells, under)]
    texts = [(one, other) for one, other, is_one in zip(cells, under, kinds[0], strict=True) if not is_one]
    return any(kinds[0]) and kinds[0] == kinds[1] and all(_has_digit(one) == _has_digit(other) for one, other in texts)


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_nearly_number(cell: str) -> bool:
    """Tell whether a cell has digits and no letters, and is no date: ``1,234.5``, ``5 %``, another minus."""
    return _has_digit(cell) and not any(map(str.isalpha, cell)) and not DATE.search(cell)


def _check_no_names(path: Path, lines: list[str], rows: list[int], separator: str, table: TableLayout) -> None:
    """Raise if the first line may be names: 0, 1, ... as pandas counts, or whole numbers above fractions alone."""
    first, others = rows[0], rows[1:LOOKED_AT]
    cells = cells_of(lines[first], separator)
    numbers = [place for place, cell in enumerate(cells) if table.number(cell) is not None]
    if not all(cells[place].isdigit() for place in numbers):
        return
    columns = [*zip(*(cells_of(lines[row], separator) for row in others), strict=False)]
    if len(cells) > 1 and others and all(map(str.isalpha, cells_of(lines[others[0]], separator))):
        _check_title(path, lines, first, others[0], separator, table)
    above = any(place < len(columns) and all(map(_is_fraction, columns[place])) for place in numbers)
    is_above = above and len(others) >= FEWEST_BELOW and not (len(cells) > 1 and _begins(cells[0], columns[0], table))
    if is_above or cells == [str(number) for number in range(len(cells))]:
        raise SeriesError(
            f"{path}, line {first + 1}: {shown(lines[first].strip())} may be the columns' numbers, as pandas writes "
            f"them, a rate or a count, or samples; say which by skip_rows: {first + 1} (leave it out) or skip_rows: "
            f"{first} (read it)"
        )


def _begins(cell: str, column: Sequence[str], table: TableLayout) -> bool:
    """Tell whether a cell begins what the column below it goes on with in even steps, as a time does."""
    numbers = [table.number(one) for one in (cell, *column[:2])]
    begin, then, last = (math.nan if one is None else one for one in numbers)
    return last > then > begin and math.isclose(then - begin, last - then, rel_tol=1e-3)


def _is_fraction(cell: str) -> bool:
    return re.fullmatch(r"[+-]?(\d*[.,]\d*([eE][+-]?\d+)?|\d+[eE][+-]?\d+)", cell) is not None


def separator_of(line: str, table: TableLayout) -> str:
    """Return what separates the cells of a line of numbers; a header of one column may hold blanks."""
    marks = (";", "\t", "|") if table.decimal == "," else (";", "\t", "|", ",")
    return next((mark for mark in marks if mark in line), BLANKS)


def _check_title(path: Path, lines: list[str], first: int, second: int, separator: str, table: TableLayout) -> None:
    """Raise if there are more lines of words above the numbers than the names of columns, and say how many."""
    found = titles(lines, first, table)
    if found is not None and all(
        table.number(cell) is not None or _is_nearly_number(cell) for cell in cells_of(lines[second], separator)
    ):
        return  # numbers as nobody can read them are no title: to skip them would lose samples
    if found is not None and found[1] > second:
        raise SeriesError(
            f"{path}, line {second + 1}: {shown(lines[second])} is no row of numbers; those begin in line "
            f"{found[1] + 1}: set skip_rows: {found[0]}"
        )


def titles(lines: list[str], first: int, table: TableLayout) -> tuple[int, int] | None:
    """Return how many lines to skip, and how many are above the numbers; None if there are no numbers."""
    numbers = next((number for number in range(first + 1, len(lines)) if numbers_of(lines[number], table)), None)
    if numbers is None:
        return None
    above = max(number for number in range(first, numbers) if lines[number].strip())
    width = [len(cells_of(lines[number], separator_of(lines[numbers], table))) for number in (above, numbers)]
    return (above if width[0] == width[1] else numbers), numbers


def numbers_of(line: str, table: TableLayout) -> list[str]:
    """Return the cells of a line of numbers, which may end with a separator; none of another."""
    cells = cells_of(line, separator_of(line, table))
    cells = cells[:-1] if len(cells) > 1 and not cells[-1] else cells
    return cells if table.are_numbers(cells) else []


def cause_of(text: str) -> str:
    """Return in words what a cell looks like that is no number."""
    causes = []
    if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", text):
        causes.append("a decimal comma? set decimal: ','")
    if GROUPED.fullmatch(text) or GROUPED_BY_DOTS.fullmatch(text):
        causes.append("separators of thousands? write numbers without them")
    if re.fullmatch(r"[+-]?[\d.]+[dD][+-]?\d+", text):
        causes.append("a Fortran exponent? write e for d")
    if OTHER_MINUS.fullmatch(text):
        causes.append("a minus? write - in front")
    if mark := SEPARATED.fullmatch(text):
        causes.append(f"is {mark[1]!r} the separator? write commas, semicolons, tabs, | or blanks")
    if UNIT_BEHIND.fullmatch(text):
        causes.append("a unit behind the number? write it above the column")
    if text.count(",") and text.count(".") == 1 and not causes:
        causes.append("another decimal mark? set decimal and delimiter")
    return f" ({'; '.join(causes)})" if causes else ""


def cells_of(line: str, separator: str) -> list[str]:
    """Return the cells of a line, without blanks and quotes."""
    if separator == BLANKS:
        cells = [cell for cell in re.split("[ \t\r\n]+", line) if cell]  # as the parser does: others are no blanks
    elif '"' in line:
        text = line.strip("\r\n")
        cells = next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])
    else:
        cells = line.strip("\r\n").split(separator)
    return [cell.strip().strip('"') for cell in cells]
