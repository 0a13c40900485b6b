"""A tree of signal files: `<domain>/<label>/<file>`."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from motor.recordings.readers.base import Source
from motor.recordings.signal_reader import SignalReader
from motor.recordings.signals import read_signal


class Tree(SignalReader):
    """One file a recording; its first two folders are its domain and its label.

    The item's name is the file's path below `path`, with "/" and with its suffix, such as
    ``ZhenDong/spark/M12_3.wav``; `pattern` is searched in that. Folders further down are part of the name only.

    Attributes
    ----------
    suffixes : tuple of str
        Formats to read; files with other suffixes are passed over, and `check-data` says how many.
    """

    kind: Literal["tree"] = "tree"
    suffixes: tuple[Literal[".csv", ".npy", ".wav", ".mat"], ...] = Field(
        default=(".csv", ".npy", ".wav", ".mat"), min_length=1
    )

    def files(self) -> list[Path]:
        """Return the signal files, sorted by their path below `path`."""
        return self.listed(self.suffixes).files

    def passed_over(self) -> str:
        """Return what stands beside the signal files; see `Reader.passed_over`."""
        return self.listed(self.suffixes).told()

    def sources(self) -> Iterator[Source]:
        """Yield one source a file."""
        root, options = self.existing_path(), self.options()
        for file in self.files():
            name = file.relative_to(root)
            own = dict(zip(("domain", "label"), name.parts[:-1], strict=False))
            yield Source(name.as_posix(), str(file), partial(read_signal, file, options=options), own=own)


PLUGIN = Tree
