"""A tree of signal files: `<domain>/<label>/<file>`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from motor.recordings.formats.base import by_suffix
from motor.recordings.readers.base import Source
from motor.recordings.signal_reader import SignalReader


class Tree(SignalReader):
    """One file a recording, or one for each channel; its first two folders are its domain and its label.

    Where channels tell the domain, the first folder is the label.

    The item's name is the file's path below `path`, with "/" and with its suffix, such as
    ``ZhenDong/spark/M12_3.wav``; `pattern` is searched in that. Folders further down are part of the name only.

    Attributes
    ----------
    suffixes : tuple of str
        Formats to read; files with other suffixes are passed over, and `check-data` says how many.
    """

    kind: Literal["tree"] = "tree"
    suffixes: tuple[str, ...] = Field(default=(".csv", ".npy", ".wav", ".mat"), min_length=1)

    @field_validator("suffixes")
    @classmethod
    def _check_suffixes(cls, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [suffix for suffix in suffixes if suffix not in by_suffix()]:
            raise ValueError(f"unknown suffix {unknown[0]!r}; allowed: {', '.join(sorted(by_suffix()))}")
        return suffixes

    def files(self) -> list[Path]:
        """Return the signal files, sorted by their path below `path`."""
        return self.listed(self.suffixes).files

    def passed_over(self) -> str:
        """Return what stands beside the signal files; see `Reader.passed_over`."""
        return self.listed(self.suffixes).told()

    def sources(self) -> Iterator[Source]:
        """Yield one source a file."""
        root, told = self.existing_path(), ("label",) if self.tells_domain else ("domain", "label")
        for file in self.files():
            name = file.relative_to(root)
            own = dict(zip(told, name.parts[:-1], strict=False))
            yield from self.of_file(file, name.as_posix(), str(file), own=own)


PLUGIN = Tree
