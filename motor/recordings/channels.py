"""Several signals of one file, each a recording of its own, that were taken at one time."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np

from motor.recordings.fields import Value
from motor.recordings.recording import AbsentError, DataError
from motor.recordings.signals import SignalOptions, read_signals, read_value

Read = TypeVar("Read")
STEM = re.compile(r"\{stem(?::0([1-9]))?\}")  # the file's name without its suffix, with zeros before it
TOGETHER_BYTES = 2**26  # of a file whose channels are read in one pass, and all kept until each was taken
LONGEST_MOMENT = 60  # bytes, of the 80 that a name may have: a number of the series may come behind


class SharedFile:
    """The channels of one file, read in one pass where they fit into memory together.

    Parameters
    ----------
    path : Path
    names : mapping
        Channel -> names in the file, of which the first that is there counts; see `filled`.
    options : SignalOptions
    is_kept : bool
        Whether each channel is asked for soon; else it is read alone, when it is.
    """

    def __init__(
        self, path: Path, names: Mapping[str, Sequence[str]], options: SignalOptions, is_kept: bool = True
    ) -> None:
        self.path, self.options, self.is_kept = path, options, is_kept
        self.names = {channel: filled(of, path) for channel, of in names.items()}
        self._lock = Lock()
        self._read: dict[str, tuple[np.ndarray, float | None]] | None = None

    def signal(self, channel: str) -> tuple[np.ndarray, float | None]:
        """Return a channel's signal and rate (Hz, or None).

        Raises
        ------
        SeriesError
            If it is at fault; `AbsentError` if the file has no such channel.
        """
        with self._lock:
            if self._read is None:
                self._read = self._all()
            if channel in self._read:
                return self._read.pop(channel)
        return first_there(self.names[channel], self._alone)

    def _all(self) -> dict[str, tuple[np.ndarray, float | None]]:
        """Return all channels; none if the file is large or one of them is at fault: each is then read alone."""
        if (
            not self.is_kept
            or len(self.names) == 1
            or (self.path.is_file() and self.path.stat().st_size > TOGETHER_BYTES)
        ):
            return {}
        try:
            signals = read_signals(self.path, [of[0] for of in self.names.values()], self.options)
        except DataError:
            return {}
        return dict(zip(self.names, signals, strict=True))

    def _alone(self, name: str) -> tuple[np.ndarray, float | None]:
        (signal,) = read_signals(self.path, [name], self.options)
        return signal


def value_of(path: Path, names: Sequence[str], options: SignalOptions) -> Value:
    """Return the one value that a file tells under the first of some names that is there, None if none is."""
    try:
        return first_there(filled(names, path), lambda name: read_value(path, name, options))
    except AbsentError:
        return None


def first_there(names: Sequence[str], read: Callable[[str], Read]) -> Read:
    """Return what is read under the first of some names that is there.

    Raises
    ------
    AbsentError
        That of the last name, if none is.
    """
    for name in names[:-1]:
        try:
            return read(name)
        except AbsentError:
            continue
    return read(names[-1])


def filled(names: Sequence[str], path: Path) -> list[str]:
    """Return names with the file's own in them: ``X{stem:03}_DE_time`` is ``X097_DE_time`` in ``97.mat``."""
    return [STEM.sub(lambda found: path.stem.rjust(int(found[1] or 0), "0"), name) for name in names]


def moment_of(item: str) -> str:
    """Return the moment at which a file was recorded, by its name; a long one is cut, and made distinct."""
    if len(item.encode()) <= LONGEST_MOMENT:
        return item
    digest = hashlib.sha256(item.encode()).hexdigest()[:12]
    return f"{item.encode()[-(LONGEST_MOMENT - 14) :].decode(errors='ignore')}~{digest}"
