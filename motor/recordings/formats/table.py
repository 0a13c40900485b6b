"""Signals in ``.csv`` files, as recorders, spreadsheets and programs write them."""

import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, ClassVar

import numpy as np

from motor.lazy import pandas
from motor.recordings.fields import Value
from motor.recordings.formats.base import Format, Signal, SignalOptions, Variable, single
from motor.recordings.formats.choosing import chosen
from motor.recordings.formats.grouped import advice, are_grouped
from motor.recordings.formats.layout import PLAIN, TableLayout
from motor.recordings.formats.lines import check_cells
from motor.recordings.formats.shapes import check_length, unreadable
from motor.recordings.formats.table_head import (
    LOOKED_AT,
    Head,
    below,
    cause_of,
    cells_of,
    first_lines,
    head_of,
    numbers_of,
    titles,
)
from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, SeriesError
from motor.recordings.text import encoding_of

FEWEST_TIMES, LONGEST_STEP_S = 8, 0.1  # of what may be a time
BLANK = " \t\r\n"
LEAST_RATE_HZ, FAR_ABOVE = 100, 10  # of a whole number above samples that may be their rate: times the largest of them
COLUMN = re.compile(r"column ([1-9]\d*)")


class Table(Format):
    """Tables of numbers as text: columns by name or number."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt", ".tsv", ".dat", ".asc")

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return the columns, by what the first lines tell; how long they are is not known before all is read."""
        with _opened(path) as stream:
            head = head_of(path, stream, options.table)
            stream.seek(0)
            lines = first_lines(path, stream, head.n_skipped + LOOKED_AT)[head.n_skipped :]
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
        lines = first_lines(path, stream)
    first = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    found = None if first is None else titles(lines, first, PLAIN)
    if first is None or found is None or found[0] <= first + (found[0] == found[1]):
        return None
    return found[0]


def holds_numbers(path: Path) -> bool:
    """Tell whether a file of any name is text with rows of numbers, perhaps under lines of titles."""
    try:
        with _opened(path) as stream:
            lines = [line for line in first_lines(path, stream) if line.strip()]
    except SeriesError:
        return False
    rows = [numbers_of(line, PLAIN) for line in lines]
    begin = next((number for number, row in enumerate(rows) if row), len(rows))
    return len({len(row) for row in rows[begin:]} | {0 if begin == len(rows) else len(rows[begin])}) == 1 and any(rows)


def _columns_of(path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[np.ndarray]:
    """Read the only column, the second beside a time, or the named ones, each as float64 (n_samples,).

    Raises
    ------
    SeriesError
        If a line has another number of cells, or a cell of the column is no finite number. It names the line.
    """
    table, max_samples = options.table, options.max_samples
    with _opened(path) as stream:
        head = head_of(path, stream, table)
        places = [_columns(path, head, one) for one in wanted]
        columns, beside_time = sorted({place for of, _ in places for place in of}), any(timed for _, timed in places)
        numbers = below(stream, head.n_skipped)
        n_lines, has_words = check_cells(path, numbers, head.n_skipped, head.separator, head.n_cells)
        check_length(n_lines, max_samples, str(path))
        try:
            frame = pandas.read_csv(
                below(stream, head.n_skipped),
                sep=head.separator,
                skipinitialspace=True,
                header=None,
                usecols=columns,
                dtype=np.float64,
                decimal=table.decimal,
            )
        except (ValueError, OSError, OverflowError) as error:
            fault = _fault(path, stream, head, columns, table)
            is_empty = isinstance(error, pandas.errors.EmptyDataError)
            raise fault or (_no_sample(path) if is_empty else unreadable(path, error)) from error
        values = frame.to_numpy()
        if not len(values) or not np.isfinite(values).all() or has_words:  # pandas takes True for 1
            fault = _fault(path, stream, head, columns, table)
            if fault or not len(values):
                raise fault or _no_sample(path)
        signals = [values[:, columns.index(of[-1])] for of, _ in places]
        if any(are_grouped(one, below(stream, head.n_skipped)) for one in signals):
            raise SeriesError(f"{advice(str(path))}; {NEXT_STEP}")
    _check_above(path, head, values, table)
    if beside_time and not (np.diff(values[:, 0]) > 0).all():
        raise SeriesError(
            f"{path}: two columns ({', '.join(head.names)}), and the first does not only grow, so it is no time; "
            f"name the signal's column in variable ({' or '.join(_wanted(head))}), or leave one column"
            + ("; or are these decimal commas? set decimal: ','" if head.separator == "," else "")
        )
    return signals


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
    names = _wanted(head)
    twins = [f"column {place}" for place, name in enumerate(names, 1) if variable is not None and name == variable]
    if len(twins) > 1:
        raise SeriesError(
            f"{path}: {len(twins)} columns are called {variable!r}; set variable to one's number: {' or '.join(twins)}"
        )
    return [names.index(chosen(names, variable, f"{path}: column"))], False


def _check_above(path: Path, head: Head, values: np.ndarray, table: TableLayout) -> None:
    """Raise if the first numbers of the only column may be none of its samples: how many follow, or their rate."""
    n_after = len(values) - 1
    if head.is_named or head.n_cells != 1 or table.skip_rows is not None or n_after < FEWEST_TIMES:
        return
    first, then = float(values[0, 0]), float(values[1, 0])
    is_rate = first.is_integer() and first >= LEAST_RATE_HZ and first > FAR_ABOVE * np.abs(values[1:, 0]).max()
    n_above = 2 if then == n_after - 1 else 1
    if n_above == 1 and first != n_after and not is_rate:
        return
    listed = " and ".join(f"{value:.10g}" for value in values[:n_above, 0])
    raise SeriesError(
        f"{path}, line {head.n_skipped + 1}: {listed} may be a rate, or how many numbers follow "
        f"({n_after}); say by skip_rows: {head.n_skipped + n_above} that it is no sample, or by skip_rows: "
        f"{head.n_skipped} that it is one"
    )


def _no_sample(path: Path) -> SeriesError:
    return SeriesError(f"{path}: no sample; {NEXT_STEP}")


def _wanted(head: Head) -> list[str]:
    return [name or f"column {place}" for place, name in enumerate(head.names, 1)]


def _fault(path: Path, stream: IO[bytes], head: Head, columns: list[int], table: TableLayout) -> SeriesError | None:
    """Return the error of the first line that holds no number where it should, None if there is none."""
    for number, raw in zip(count(head.n_skipped + 1), below(stream, head.n_skipped), strict=False):
        line = raw.decode("utf-8", errors="replace")
        if not line.strip(BLANK):
            continue
        if line.count('"') % 2:
            return SeriesError(f"{path}, line {number}: a quote in {shown(line.strip())} is not closed; {NEXT_STEP}")
        cells = cells_of(line, head.separator)
        blank = next((letter for letter in line if letter.isspace() and letter not in BLANK), None)
        for column in columns:
            text = cells[column] if column < len(cells) else ""
            value = table.number(text)
            if value is None or not math.isfinite(value):
                beside = f", or name the signal's column in variable ({' or '.join(_wanted(head))})"
                title = f", or set skip_rows: {number} if it is a title" if number == head.n_skipped + 1 else ""
                return SeriesError(
                    f"{path}, line {number}: column {column + 1} is {shown(text)}, no finite number{cause_of(text)}; "
                    f"{NEXT_STEP}{beside if len(head.names) > 1 else ''}{'' if head.is_named else title}"
                )
        if blank is not None:
            raise SeriesError(
                f"{path}, line {number}: {shown(line.strip(BLANK))} holds {blank!a}, a blank that is no space; write "
                f"spaces, or {NEXT_STEP}"
            )
    return None
