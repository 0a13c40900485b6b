"""Text files as programs write them: UTF-8 with or without a mark, and UTF-16 with its mark, as Excel's "Unicode"."""

import codecs
import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

DELIMITERS = (",", ";", "\t", "|")
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def encoding_of(path: Path) -> str:
    """Return the encoding that a file's first bytes tell, UTF-8 where they tell none."""
    with path.open("rb") as file:
        start = file.read(3)
    return next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), "utf-8")


def opened_text(path: Path) -> IO[str]:
    """Open a text file; its line ends stay as they are.

    Raises
    ------
    UnicodeDecodeError
        On reading, if it is in neither encoding.
    """
    return path.open(encoding=encoding_of(path), newline="")


def opened_utf8(path: Path) -> IO[bytes]:
    """Open a text file as bytes in UTF-8, in bounded memory; one in UTF-16 is turned into it on the way.

    Raises
    ------
    UnicodeDecodeError
        On reading, if it begins as UTF-16 does and is none.
    """
    file: Any = path.open("rb")
    return codecs.EncodedFile(file, "utf-8", "utf-16") if encoding_of(path) == "utf-16" else file


def delimiter_of(line: str) -> str:
    """Return what separates the cells of a line: the mark that it has most of."""
    return max(DELIMITERS, key=line.count)


def rows_of(text: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of an open table, empty ones too, each with the number of its line.

    Cells are separated by what the first line has most of.

    Raises
    ------
    csv.Error, UnicodeDecodeError
        On reading, if it is no such table.
    """
    first = text.readline()
    lines = csv.reader(chain([first], text), delimiter=delimiter_of(first))
    yield from ((lines.line_num, row) for row in lines)
