"""Looking into files that nobody has described yet: what lies in them, and a first config that reads it."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from motor.recordings.files import EVERY, list_files
from motor.recordings.formats.base import SignalOptions, Variable, by_suffix
from motor.recordings.formats.layout import TableLayout
from motor.recordings.formats.table import FORMAT, holds_numbers, titles_above
from motor.recordings.listing import Listing, find_listing
from motor.recordings.packed import GZ, ZIP, members, suffix_of, unpacked
from motor.recordings.recording import DataError
from motor.recordings.signals import contents

LOOKED_INTO = 6  # files of each suffix
MOST_VARIABLES = 40
FEWEST = 16  # samples of what may be a signal
RATES = re.compile(r"(^|[._/@])(fs|sr|rate|sampling_?rate(_?hz)?|samplerate|sample_rate)$", re.IGNORECASE)
SPEEDS = re.compile(r"(rpm|speed)", re.IGNORECASE)
TIMES = re.compile(r"^(t|time|times|timestamp|date|index|hour|minute|second|microsecond)\b", re.IGNORECASE)


@dataclass
class Group:
    """The files of one suffix.

    Attributes
    ----------
    suffix : str
    n_files : int
    names : list of str
        The first, below the folder.
    variables : list of Variable
        Of the files looked into, with what differs from file to file (digits) as ``*``, once each.
    faults : list of str
    is_text : bool
        Text of any name.
    skip_rows : int, optional
        Lines of titles above a table.
    """

    suffix: str
    n_files: int
    names: list[str]
    variables: list[Variable] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_text: bool = False
    skip_rows: int | None = None

    @property
    def is_table(self) -> bool:
        """Whether the rate that was found is by a column of times, which is not read for it."""
        return self.is_text or self.suffix.removesuffix(GZ) in FORMAT.suffixes

    @property
    def only(self) -> str | None:
        """The pattern of text files of any name, where all end alike."""
        ends = {PurePosixPath(name).suffix for name in self.names}
        return f"*{ends.pop()}" if self.is_text and len(ends) == 1 and "" not in ends else None

    def signals(self) -> list[Variable]:
        """Return what may be a signal: a long row of numbers, or one for each line of a matrix."""
        found: list[Variable] = []
        for one in self.variables:
            if one.is_numbers and not TIMES.match(one.name):
                found += _lines(one)
        return found

    def rate_hz(self) -> float | None:
        """Return the rate that the files tell, None if they tell none, or several."""
        rates = {one.sampling_rate_hz for one in self.variables if one.sampling_rate_hz}
        return rates.pop() if len(rates) == 1 else None

    def named(self, words: re.Pattern[str]) -> str | None:
        """Return the single value whose name is like some words."""
        single = (one.name for one in self.variables if max(one.shape, default=1) == 1 and one.is_numbers)
        return next((name for name in single if words.search(name)), None)


@dataclass
class Look:
    """What lies in a folder or file: its groups of files by suffix, most files first, and a table that lists them."""

    path: Path
    groups: list[Group]
    passed_over: str = ""
    listing: Listing | None = None


def look_into(path: Path) -> Look:
    """Look into a folder or a file that was never seen: heads and first lines alone, but where a format has none.

    Raises
    ------
    DataError
        If there is nothing to look into.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder (seen from {Path.cwd()}); correct the path")
    files = [path] if path.is_file() else list_files(path, (EVERY,)).files
    packed = [member for file in files for member in _members(file)]
    by_end: dict[str, list[Path]] = {}
    for file in packed:
        end = f"{suffix_of(file)}{GZ}" if file.suffix.lower() == GZ else file.suffix.lower()
        by_end.setdefault(end if (end.removesuffix(GZ) or GZ) in by_suffix() else _other(file, end), []).append(file)
    groups = [_group(end, of, path) for end, of in by_end.items() if end]
    groups = sorted(groups, key=lambda group: -group.n_files)
    left = [str(file) for end, of in by_end.items() if not end for file in of]
    kinds = Counter(os.path.splitext(one)[1] or "no suffix" for one in left)  # noqa: PTH122
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    if not groups:
        raise DataError(f"{path}: no file of a format that is read ({counted or 'no file at all'}); see docs/data.md")
    return Look(path, groups, counted, find_listing(path))


def _members(file: Path) -> list[Path]:
    return members(file, (EVERY,)) if file.suffix.lower() == ZIP else [file]


def _other(file: Path, end: str) -> str:
    """Return what stands for files without a known suffix: all names, if this one holds numbers as text."""
    if not file.is_file():
        return ""
    return EVERY if holds_numbers(file) else ""


def _group(suffix: str, files: Sequence[Path], root: Path) -> Group:
    names = [file.relative_to(root).as_posix() if file != root else file.name for file in files]
    group = Group(suffix, len(files), names, is_text=suffix == EVERY)
    seen: dict[str, Variable] = {}
    step = max(1, len(files) // LOOKED_INTO)
    group.skip_rows = _titles(files[0]) if group.is_table else None
    table = TableLayout(skip_rows=group.skip_rows)
    options = SignalOptions(format="table" if suffix == EVERY else None, table=table)
    alone: list[Variable] = []  # of files that hold nothing else
    for file in files[::step][:LOOKED_INTO]:
        try:
            found = contents(file, options)[:MOST_VARIABLES]
            alone += found if len(found) == 1 and _lines(found[0]) else []
            for one in found:
                seen.setdefault(_general(one.name, file), one)
        except (DataError, OSError) as error:
            group.faults.append(str(error))
    if len(seen) > 1 and len(alone) == len(files[::step][:LOOKED_INTO]):  # under another name in each
        seen = {"": alone[0]}
    group.variables = [Variable(name, one.shape, one.kind, one.sampling_rate_hz) for name, one in seen.items()]
    return group


def _titles(file: Path) -> int | None:
    try:
        with unpacked(file) as opened:
            return titles_above(opened)
    except (DataError, OSError):
        return None


def _general(name: str, file: Path) -> str:
    """Return a variable's name with a pattern in the place of the file's own, and of a number that counts files."""
    stem, general = file.name.split(".")[0], re.sub(r"^X\d{2,}", "*", name)
    is_named = general == name and len(stem) > 1 and stem in name
    return name.replace(stem, "{stem}") if is_named else general


def _lines(one: Variable) -> list[Variable]:
    """Return a row of numbers, or the lines of a matrix along its longer side."""
    if len(one.shape) == 0 or (len(one.shape) == 1 and one.shape[0] >= FEWEST):
        return [one]
    if len(one.shape) != 2 or max(one.shape) < FEWEST:
        return []
    if 1 in one.shape:
        return [one]
    count, is_column = min(one.shape), one.shape[0] >= one.shape[1]
    names = [f"{one.name}(:,{k})" if is_column else f"{one.name}({k},:)" for k in range(1, count + 1)]
    return [Variable(name, (max(one.shape),), one.kind, one.sampling_rate_hz) for name in names[:MOST_VARIABLES]]
