"""Signals in TDMS files, as LabVIEW writes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from motor.lazy import nptdms
from motor.recordings.fields import Value
from motor.recordings.formats.base import Box, BoxFormat, SignalOptions, Variable
from motor.recordings.formats.choosing import Line
from motor.recordings.formats.shapes import unreadable
from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, AbsentError, DataError, SeriesError

STEP = "wf_increment"  # seconds from one sample to the next
BEGINS = (b"TDSm", b"TDSh")
LEAD_BYTES = 28
UNFINISHED = 2**64 - 1


@dataclass
class _Channels(Box):
    """Channels by ``group/channel``; by the channel's name alone where it is the only one of it."""

    file: Any = None
    channels: dict[str, Any] = field(default_factory=dict)

    def array(self, name: str, line: Line | None) -> np.ndarray:
        """Return a channel's samples, scaled as the file says."""
        if line is not None:
            raise SeriesError(f"{self.place}: channel {name!r} is no matrix, and has no {line}; name the channel alone")
        channel = self.channels[name]
        values = np.asarray(channel[:])
        if len(values) != len(channel):
            raise SeriesError(f"{self.place}: {name!r} has {len(values)} of {len(channel)} samples; {NEXT_STEP}")
        return values

    def attribute(self, name: str) -> Value:
        """Return a property: ``@rpm`` of the file, ``group@rpm``, ``group/channel@rpm``."""
        of, _, wanted = name.rpartition("@")
        holder = self.file if not of else self.channels.get(of)
        holder = self.file[of] if holder is None and of in {group.name for group in self.file.groups()} else holder
        if holder is None or wanted not in holder.properties:
            raise AbsentError(f"{self.place}: no property {shown(name)}; take it out of fields, or correct it")
        value = holder.properties[wanted]
        return value.item() if isinstance(value, np.generic) else value


class Tdms(BoxFormat):
    """Channels of groups; a waveform's step tells the rate."""

    suffixes: ClassVar[tuple[str, ...]] = (".tdms",)

    @contextmanager
    def opened(self, path: Path, options: SignalOptions) -> Iterator[Box]:
        """Open a file, its numbers still unread."""
        _check_whole(path)
        try:
            # Of a damaged file the library leaves what it opened itself open.
            with path.open("rb") as stream, nptdms.TdmsFile.open(stream) as file:
                found = {
                    f"{group.name}/{channel.name}": channel for group in file.groups() for channel in group.channels()
                }
                yield _Channels(str(path), [_variable(*one, path) for one in found.items()], True, file, found)
        except DataError:
            raise
        except Exception as error:  # of a damaged file the library raises almost anything
            raise unreadable(path, error) from error


def _variable(name: str, channel: Any, path: Path) -> Variable:
    step = channel.properties.get(STEP)
    if step is not None and not isinstance(step, (int, float, np.number)):
        raise SeriesError(f"{path}, {name!r}: {STEP} is {shown(step)}, no number of seconds; {NEXT_STEP}")
    kind = "text" if channel.dtype.kind in "OUS" else channel.dtype.name
    return Variable(name, (len(channel),), kind, round(1 / step, 6) if step else None)


def _check_whole(path: Path) -> None:
    """Raise if a segment is longer than the file: the library would return the samples that are there."""
    size, place = path.stat().st_size, 0
    with path.open("rb") as file:
        while place < size:
            file.seek(place)
            lead = file.read(LEAD_BYTES)
            if lead[:4] not in BEGINS:
                raise SeriesError(
                    f"{path}: byte {place} begins no segment of TDMS; it is damaged or no TDMS; {NEXT_STEP}"
                )
            stated = int.from_bytes(lead[12:20], "little")
            if len(lead) < LEAD_BYTES or stated == UNFINISHED or place + LEAD_BYTES + stated > size:
                raise SeriesError(f"{path}: cut off, its segment at byte {place} is longer than the file; {NEXT_STEP}")
            place += LEAD_BYTES + stated


FORMAT = Tdms()
