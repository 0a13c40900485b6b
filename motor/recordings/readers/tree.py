"""A tree of signal files: `<domain>/<label>/<file>`."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from motor.recordings.readers.base import Reader, Source
from motor.recordings.recording import DataError
from motor.recordings.signals import read_signal


class Tree(Reader):
    """One file a recording; its first two folders are its domain and its label.

    The item's name is the file's path below `path`, with "/" and with its suffix, such as
    ``ZhenDong/spark/M12_3.wav``; `pattern` is searched in that. Folders further down are part of the name only.

    Attributes
    ----------
    suffixes : tuple of str
        Formats to read; files with other suffixes, and hidden files, are passed over.
    variable : str, optional
        Variable of the ``.mat`` files or column of the ``.csv`` files, if they hold several.
    """

    kind: Literal["tree"] = "tree"
    suffixes: tuple[Literal[".csv", ".npy", ".wav", ".mat"], ...] = Field(
        default=(".csv", ".npy", ".wav", ".mat"), min_length=1
    )
    variable: str | None = None

    def files(self) -> list[Path]:
        """Return the signal files, sorted by their path below `path`."""
        root = self.existing_path()
        inside = list(_files(str(root)))
        files = [path for path in inside if os.path.splitext(path)[1].lower() in self.suffixes]  # noqa: PTH122
        if not files:
            seen = ", ".join(sorted({Path(path).suffix or Path(path).name for path in inside})[:8]) or "nothing"
            raise DataError(
                f"{root}: no signal file in this folder; allowed are {', '.join(self.suffixes)}, there is {seen}; "
                "correct the dataset's path or suffixes"
            )
        return [Path(path) for path in sorted(files)]

    def sources(self) -> Iterator[Source]:
        """Yield one source a file."""
        root = self.existing_path()
        for file in self.files():
            name = file.relative_to(root)
            own = dict(zip(("domain", "label"), name.parts[:-1], strict=False))
            yield Source(name.as_posix(), str(file), partial(read_signal, file, self.variable), own=own)


def _files(folder: str) -> Iterator[str]:
    """Yield the paths of the files below a folder, without hidden ones; 200,000 of them take a second."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.is_file():
                yield entry.path


PLUGIN = Tree
