"""Tables that list files: found among files that nobody has described yet, with what their columns tell."""

import csv
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from motor.recordings.files import EVERY, list_files
from motor.recordings.recording import DataError
from motor.recordings.text import opened_text, rows_of

ENDS = (".csv", ".tsv", ".txt")
MOST_TABLES = 20  # files of a folder that are looked into
MOST_ROWS = 100_000
MOST_VALUES = 40
SHARE = 0.9  # of a column's cells that name files which are there
WORDS = {
    "motor": r"^(motor|machine|unit|asset|bearing|rig|device|equipment)(_?(id|no|name|number))?$",
    "label": r"^(label|class|state|condition|fault|fault_?type|status|target)$",
    "domain": r"^(domain|sensor|channel|axis|position|modality)(_?(id|name))?$",
    "moment": r"^(moment|session|measurement|shot)(_?(id|no|number))?$",
    "speed_rpm": r"^(speed_?rpm|rpm|speed|r/min)$",
    "sampling_rate_hz": r"^(sampling_?rate(_?hz)?|sample_?rate(_?hz)?|fs|rate_?hz|sr)$",
    "recorded_at": r"^(recorded_?at|time|timestamp|date|datetime|start_?time)$",
    "variable": r"^(variable|var|dataset|key)$",
}


@dataclass(frozen=True)
class Listing:
    """A table whose rows name files.

    Attributes
    ----------
    table : Path
    n_rows : int
    columns : mapping of str to str
        The table's column of each field of a recording; ``file`` is always there.
    values : mapping of str to sequence of str
        The distinct values of the columns of `domain` and `label`, sorted; none where there are over 40.
    """

    table: Path
    n_rows: int
    columns: Mapping[str, str]
    values: Mapping[str, Sequence[str]]


def find_listing(folder: Path) -> Listing | None:
    """Return the first table in a folder, by name, that lists files below that folder; None if there is none."""
    if not folder.is_dir():
        return None
    beside = (file for file in list_files(folder, (EVERY,)).files if file.parent == folder)
    found = (_listing(file) for file in sorted(beside)[:MOST_TABLES] if file.suffix.lower() in ENDS)
    return next((one for one in found if one), None)


def _listing(table: Path) -> Listing | None:
    """Return what a table lists, None if it names no files."""
    rows = _rows(table)
    if len(rows) < 2:
        return None
    header, *cells = rows
    by_name = {name: [row[place] for row in cells] for place, name in enumerate(header) if name}
    file = next((name for name, values in by_name.items() if _are_files(table.parent, values)), None)
    if file is None:
        return None
    columns = {"file": file} | {
        field: name
        for field, words in WORDS.items()
        if (name := next((one for one in by_name if one != file and re.match(words, one, re.IGNORECASE)), None))
    }
    kept = [field for field in columns if field in ("domain", "label")]
    values = {field: sorted({*by_name[columns[field]]} - {""}) for field in kept}
    few = {field: names if len(names) <= MOST_VALUES else [] for field, names in values.items()}
    return Listing(table, len(cells), columns, few)


def _rows(table: Path) -> list[list[str]]:
    """Return a table's cells, header first; none if its rows are unequal, or the first below the header names no file.

    A table of samples, which is long, is read no further than that.
    """
    try:
        with opened_text(table) as text:
            rows = ([*map(str.strip, row)] for _, row in islice(rows_of(text), MOST_ROWS) if row)
            head = [*islice(rows, 2)]
            if len(head) < 2 or not any(_is_file(table.parent, cell) for cell in head[1]):
                return []
            head += rows
    except (csv.Error, UnicodeDecodeError, DataError, OSError):
        return []  # what cannot be read is no list: looking goes on
    return head if len({*map(len, head)}) == 1 else []


def _are_files(folder: Path, values: Sequence[str]) -> bool:
    """Tell whether a column's cells name files; a first look at one spares the rest."""
    first, *_ = values
    return _is_file(folder, first) and sum(_is_file(folder, one) for one in values) >= SHARE * len(values)


def _is_file(folder: Path, name: str) -> bool:
    return bool(name) and os.path.isfile(folder / name)  # noqa: PTH113 - False too for what can be no path
