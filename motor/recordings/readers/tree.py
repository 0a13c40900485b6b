"""A tree of signal files: `<domain>/<label>/<file>`."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from motor.recordings.files import EVERY, Listing
from motor.recordings.formats.base import by_suffix
from motor.recordings.packed import GZ, ZIP, archive_of, members
from motor.recordings.readers.base import Source
from motor.recordings.recording import DataError
from motor.recordings.signal_reader import SignalReader


class Tree(SignalReader):
    """One file a recording, or one for each channel; its first two folders are its domain and its label.

    Where channels tell the domain, the first folder is the label.

    The item's name is the file's path below `path`, with "/" and with its suffix, such as
    ``ZhenDong/spark/M12_3.wav``; `pattern` is searched in that. Folders further down are part of the name only.

    Attributes
    ----------
    suffixes : tuple of str
        Formats to read; files with other suffixes are passed over, and `check-data` says how many. ``.csv.gz`` is what
        it says, ``.zip`` means the files of the named suffixes in archives, and ``*`` files of any name.
    only : str, optional
        Pattern of names below `path` (``*/acc_*.csv``; ``*`` matches ``/``, too); other files are passed over.
    """

    kind: Literal["tree"] = "tree"
    only: str | None = Field(default=None, min_length=1, exclude_if=lambda pattern: pattern is None)
    suffixes: tuple[str, ...] = Field(default=(".csv", ".npy", ".wav", ".mat"), min_length=1)

    @field_validator("suffixes")
    @classmethod
    def _check_suffixes(cls, suffixes: tuple[str, ...]) -> tuple[str, ...]:
        known = (*sorted(by_suffix()), ZIP, EVERY)
        if unknown := [suffix for suffix in suffixes if (suffix.removesuffix(GZ) or suffix) not in known]:
            raise ValueError(f"unknown suffix {unknown[0]!r}; allowed: {', '.join(known)}, with {GZ} behind it")
        return suffixes

    @model_validator(mode="after")
    def _check_format_of_all(self) -> "Tree":
        if EVERY in self.suffixes and self.format is None:
            raise ValueError("suffixes has '*', files of any name; say by format what they are (table: text)")
        return self

    def files(self) -> list[Path]:
        """Return the signal files, sorted by their path below `path`."""
        return self._listing().files

    def passed_over(self) -> str:
        """Return what stands beside the signal files; see `Reader.passed_over`."""
        return self._listing().summary()

    @property
    def _inside(self) -> tuple[str, ...]:
        """The suffixes that are read of archives."""
        return tuple(by_suffix()) if set(self.suffixes) == {ZIP} else self.suffixes

    def _listing(self) -> Listing:
        """Return the files of the named suffixes, of those packed by gzip only what is named with it."""
        listing = self.listed(tuple(f".{one.rpartition('.')[2]}" if one != EVERY else one for one in self.suffixes))
        files = [file for file in listing.files if self._is_meant(file)]
        if listing.files and not files:
            raise DataError(f"{self.path}: none of its {len(listing.files)} files is named {self.only!r}; correct only")
        meant = set(files)
        return Listing(files, sorted([*listing.passed_over, *(str(one) for one in listing.files if one not in meant)]))

    def _is_meant(self, file: Path) -> bool:
        """Tell whether a listed file's name is one that the settings name."""
        packed = tuple(one for one in self.suffixes if one.endswith(GZ))
        if packed and EVERY not in self.suffixes and file.suffix.lower() == GZ:
            return file.name.lower().endswith(packed)
        return self.only is None or file.suffix.lower() == ZIP or self._is_only(file)

    def _is_only(self, file: Path) -> bool:
        return self.only is None or fnmatchcase(file.relative_to(self.path).as_posix(), self.only)

    def sources(self) -> Iterator[Source]:
        """Yield one source a file."""
        root, levels = self.existing_path(), ("label",) if self.tells_domain else ("domain", "label")
        files = self.files()
        found = [member for listed in files for member in members(listed, self._inside)]
        found = [one for one in found if archive_of(one) is None or self._is_only(one)]
        if not found:
            kinds = ", ".join(self._inside)
            raise DataError(
                f"{files[0]}: no file to read in it ({kinds}); correct the dataset's path, suffixes or only"
            )
        for file in found:
            name = file.relative_to(root)
            own = dict(zip(levels, (part.removesuffix(ZIP) for part in name.parts[:-1]), strict=False))
            yield from self.of_file(file, name.as_posix(), str(file), own=own)


PLUGIN = Tree
