"""Which files of a folder are read: one rule for every reader, and for predictions."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from motor.recordings.names import printable

# What other programs leave beside the data: hidden files (also the ._* of a Mac) and the folder of its archives.
HIDDEN = "."
SIDE_FOLDERS = ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found")
SIDE_TABLES = "_"  # Spark and pyarrow begin the names of what they note beside tables with this
SHOWN = 3
EVERY = "*"  # in the place of suffixes: all files


class Listing(NamedTuple):
    """The files of a folder: those to read, and those passed over.

    Attributes
    ----------
    files : list of Path
        Those to read, sorted by their path.
    passed_over : list of str
        The other files that are not hidden, sorted: of other formats, or links that lead nowhere.
    """

    files: list[Path]
    passed_over: list[str]

    def summary(self) -> str:
        """Return in words what was passed over; empty if nothing was."""
        if not self.passed_over:
            return ""
        kinds = Counter(os.path.splitext(path)[1].lower() or "no suffix" for path in self.passed_over)  # noqa: PTH122
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        more = ", ..." if len(self.passed_over) > SHOWN else ""
        return f"{len(self.passed_over)} files ({counted}): {', '.join(map(printable, self.passed_over[:SHOWN]))}{more}"


def list_files(root: Path, suffixes: Sequence[str], are_tables: bool = False) -> Listing:
    """List the files of a folder and of the folders in it, through links, whatever the case of their suffixes.

    Parameters
    ----------
    root : Path
        A folder.
    suffixes : sequence of str
        In lower case, with the dot; ``*`` for files of any name.
    are_tables : bool
        Whether names that begin with an underscore are notes beside tables (``_SUCCESS``, ``_metadata``), not data.
    """
    files: list[str] = []
    others: list[str] = []
    for path in _walk(str(root), (os.path.realpath(root),)):
        name = os.path.basename(path)  # noqa: PTH119
        if are_tables and name.startswith(SIDE_TABLES):
            continue
        is_named = EVERY in suffixes or os.path.splitext(name)[1].lower() in suffixes  # noqa: PTH122
        is_read = is_named and os.path.isfile(path)  # noqa: PTH113
        (files if is_read else others).append(path)
    return Listing([Path(path) for path in sorted(files)], sorted(others))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _walk(folder: str, above: tuple[str, ...]) -> Iterator[str]:
    """Yield what is no folder, without hidden names; `above` are the real folders that lead here, against circles.

    Text and one look at each: with a `Path` for each step, 200,000 files take half a minute.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(HIDDEN) or entry.name in SIDE_FOLDERS:
                continue
            if not _is_folder(entry):
                yield entry.path
                continue
            real = os.path.realpath(entry.path) if entry.is_symlink() else f"{above[-1]}/{entry.name}"
            if real not in above:
                yield from _walk(entry.path, (*above, real))
