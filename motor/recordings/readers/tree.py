"""A tree of signal files: `<domain>/<label>/<file>`."""

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
        inside = [file for file in root.rglob("*") if file.is_file() and not _is_hidden(file, root)]
        files = [file for file in inside if file.suffix.lower() in self.suffixes]
        if not files:
            seen = ", ".join(sorted({file.suffix or file.name for file in inside})[:8]) or "nothing"
            raise DataError(
                f"{root}: no signal file in this folder; allowed are {', '.join(self.suffixes)}, there is {seen}; "
                "correct the dataset's path or suffixes"
            )
        return sorted(files, key=lambda file: file.relative_to(root).as_posix())

    def sources(self) -> Iterator[Source]:
        """Yield one source a file."""
        root = self.existing_path()
        for file in self.files():
            name = file.relative_to(root)
            own = dict(zip(("domain", "label"), name.parts[:-1], strict=False))
            yield Source(name.as_posix(), str(file), partial(read_signal, file, self.variable), own=own)


def _is_hidden(file: Path, root: Path) -> bool:
    """Say whether a part of the path below `root` starts with a dot."""
    return any(part.startswith(".") for part in file.relative_to(root).parts)


PLUGIN = Tree
