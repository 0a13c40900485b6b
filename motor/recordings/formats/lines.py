"""Whether each line of a table has as many cells as it should: parsers drop what is too much."""

import csv
import io
import re
from pathlib import Path
from typing import IO

import numpy as np

from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, SeriesError

BLOCK = 2**22
LONGEST_LINE = 2**26
FEED = 10
WORDS = re.compile(rb"true|false", re.IGNORECASE)  # what a parser may take for numbers


def check_cells(path: Path, stream: IO[bytes], n_skipped: int, separator: str, n_cells: int) -> tuple[int, bool]:
    """Count the lines below the first ones, and check how many cells each has; empty ones count for nothing.

    Parameters
    ----------
    path : Path
        For messages.
    stream : binary file
        At the first line of numbers.
    n_skipped : int
        Lines above it.
    separator : str
        One character, or a pattern of blanks.
    n_cells : int

    Returns
    -------
    n_lines : int
    has_words : bool
        Whether there are words that a parser takes for numbers.

    Raises
    ------
    SeriesError
        It names the line.
    """
    number, has_words, rest = n_skipped + 1, False, b""
    while content := stream.read(BLOCK):
        content = rest + content
        end = content.rfind(b"\n") + 1
        block, rest = content[:end], content[end:]
        if len(rest) > LONGEST_LINE:
            raise SeriesError(f"{path}, line {number}: more than {LONGEST_LINE} bytes; end lines with line feeds")
        _check_block(path, block, number, separator, n_cells)
        has_words = has_words or WORDS.search(block) is not None
        number += block.count(b"\n")
    if rest:
        _check_block(path, rest + b"\n", number, separator, n_cells)
        has_words = has_words or WORDS.search(rest) is not None
        number += 1
    return number - n_skipped - 1, has_words


def _check_block(path: Path, block: bytes, number: int, separator: str, n_cells: int) -> None:
    """Check some whole lines."""
    if not block:
        return
    if len(separator) > 1:
        if n_cells == 1 and not re.search(rb"\S[ \t]+\S", block):
            return
        counts = np.array([len(line.split()) for line in block.split(b"\n")[:-1]])
    elif b'"' in block:
        counts = np.array([_n_cells(line, separator) for line in block.split(b"\n")[:-1]])
    else:
        counts = _n_separators(block, separator)
    wrong = np.flatnonzero(counts != n_cells)
    if len(wrong):
        lines = block.split(b"\n")
        for k in wrong.tolist():
            if lines[k].strip(b" \t\r"):
                _raise(path, lines[k], number + k, int(counts[k]), n_cells)


def _n_separators(block: bytes, separator: str) -> np.ndarray:
    """Return how many cells each line has, shape (n_lines,)."""
    content = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(content == FEED)
    places = np.flatnonzero(content == ord(separator))
    return np.diff(np.searchsorted(places, ends), prepend=0) + 1


def _n_cells(line: bytes, separator: str) -> int:
    text = line.decode("utf-8", errors="replace").rstrip("\r")
    return len(next(csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True), []))


def _raise(path: Path, line: bytes, number: int, found: int, n_cells: int) -> None:
    text = line.decode("utf-8", errors="replace").strip()
    raise SeriesError(
        f"{path}, line {number}: {shown(text)} has {found} cells where the lines above have {n_cells}: are there "
        "commas within numbers (write them without separators of thousands; decimal commas: set decimal and "
        f"delimiter), or is something above the table (set skip_rows) or below it (take it out)? {NEXT_STEP}"
    )
