"""Text files as programs write them: UTF-8 with or without a mark, and UTF-16 with its mark, as Excel's "Unicode"."""

import codecs
import csv
import re
from collections.abc import Collection, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from motor.recordings.names import cleaned

DELIMITERS = (",", ";", "\t", "|")
MARK = "\ufeff"  # of UTF-8; files that were joined, or written anew by two programs, have several
SEP = re.compile(r"\"?sep=(.)\"?")  # what Excel reads, and writes
MOST_TITLES, LONGEST_TITLE = 64, 2**16  # lines above a header that a message counts, and their characters
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
    """Yield the rows of an open table from its header on, empty ones too, each with the number of its line.

    Cells are separated by what the header has most of, or what a line for Excel above it (``sep=;``) says. Comments
    (#) and empty lines above it are passed over.

    Raises
    ------
    csv.Error, UnicodeDecodeError
        On reading, if it is no such table.
    """
    first, then, above, separator = text.readline().lstrip(MARK), text.readline(), 0, None
    while then and _is_above(first, then):
        mark = SEP.fullmatch(first.strip())
        separator = mark[1] if mark else separator
        first, then, above = then, text.readline(), above + 1
    lines = csv.reader(chain([first, then], text), delimiter=separator or delimiter_of(first))
    yield from ((above + lines.line_num, row) for row in lines)


def _is_above(line: str, then: str) -> bool:
    """Tell whether a line stands above a header, which may begin with # itself where it has as many cells."""
    mark = delimiter_of(then)
    is_comment = line.lstrip().startswith("#") and (not then.strip() or line.count(mark) < then.count(mark))
    return not line.strip() or is_comment or SEP.fullmatch(line.strip()) is not None


def header_below(text: IO[str], wanted: Collection[str]) -> int | None:
    """Return how many lines of an open table stand above the one that has some names of columns, None if none has."""
    try:
        for above, line in enumerate(islice(iter(partial(text.readline, LONGEST_TITLE), ""), MOST_TITLES)):
            cells = next(csv.reader([line.lstrip(MARK)], delimiter=delimiter_of(line)), [])
            if {*map(cleaned, wanted)} <= {*map(cleaned, cells)}:
                return above
    except (csv.Error, UnicodeDecodeError):
        return None  # what is wrong with it is reported elsewhere
    return None
