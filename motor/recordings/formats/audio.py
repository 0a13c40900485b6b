"""Signals in files of sound that are no WAV: FLAC, AIFF, AU, CAF and Ogg."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, ClassVar

from motor.recordings.fields import Value
from motor.recordings.formats.audio_channels import audio_channels, no_value, read_audio
from motor.recordings.formats.base import Format, Signal, SignalOptions, Variable
from motor.recordings.formats.flac import MARK, read_flac, stream_info
from motor.recordings.recording import NEXT_STEP, SeriesError

UNKNOWN = 0xFFFFFFFF
PAGE, HEAD_OF_PAGE, LONGEST_PAGE, LAST = b"OggS", 27, 65_307, 4


class Audio(Format):
    """Sound that libsndfile decodes; integer samples are scaled to [-1, 1] by it."""

    suffixes: ClassVar[tuple[str, ...]] = (".flac", ".aif", ".aiff", ".au", ".caf", ".ogg")
    has_names: ClassVar[bool] = False

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return the channels."""
        if check_whole(path) == MARK:
            stream_info(path)
        return audio_channels(path)

    def read(self, path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
        """Read the named channels, or the only one."""
        is_flac = check_whole(path) == MARK
        return read_flac(path, wanted, options) if is_flac else read_audio(path, wanted, options)

    def value(self, path: Path, wanted: str, options: SignalOptions) -> Value:
        """Raise: nothing but sound is read of these files."""
        raise no_value(path, wanted)


def check_whole(path: Path) -> bytes:
    """Return how a file begins; raise if it ends before its head says, or is not what its name says.

    libsndfile reads what is left of a file, and whatever it holds.

    Raises
    ------
    SeriesError
    """
    with path.open("rb") as file:
        head = file.read(12)
        mark = next((begin for begin in ENDS if head.startswith(begin)), None)
        named = BEGINS.get(path.suffix.lower())
        if mark is None or (named and mark != named):
            raise SeriesError(
                f"{path}: cannot be read as {path.suffix}: it begins with {head[:8]!r}; convert it, or name it as what "
                f"it is; {NEXT_STEP}"
            )
        size = path.stat().st_size
        stated = ENDS[mark](file, head, size)
    if stated > size:
        raise SeriesError(f"{path}: cut off, {size} bytes where its head tells more; {NEXT_STEP}")
    return mark


def _end_of_flac(file: IO[bytes], head: bytes, size: int) -> int:
    """Return nothing new: the number of samples in its head is compared with those that are decoded."""
    return size


def _end_of_aiff(file: IO[bytes], head: bytes, size: int) -> int:
    return struct.unpack(">I", head[4:8].ljust(4, b"\0"))[0] + 8


def _end_of_au(file: IO[bytes], head: bytes, size: int) -> int:
    begin, n_bytes = struct.unpack(">II", head[4:12].ljust(8, b"\0"))
    return size if n_bytes == UNKNOWN else begin + n_bytes


def _end_of_caf(file: IO[bytes], head: bytes, size: int) -> int:
    place = 8
    while place + 12 <= size:
        file.seek(place)
        name, n_bytes = struct.unpack(">4sq", file.read(12))
        if name == b"data" and n_bytes < 0:  # to the end of the file
            return size
        place += 12 + max(n_bytes, 0)
    return place


def _end_of_ogg(file: IO[bytes], head: bytes, size: int) -> int:
    """Return the end of the last page, one more if it is not marked as the last."""
    begin = max(0, size - LONGEST_PAGE)
    file.seek(begin)
    content = file.read()
    place = content.rfind(PAGE)
    page = content[place:] if place >= 0 else b""
    if len(page) < HEAD_OF_PAGE or not page[5] & LAST:
        return size + 1
    lengths = page[HEAD_OF_PAGE : HEAD_OF_PAGE + page[26]]
    return begin + place + HEAD_OF_PAGE + page[26] + sum(lengths)


ENDS: dict[bytes, Callable[[IO[bytes], bytes, int], int]] = {
    MARK: _end_of_flac,
    b"FORM": _end_of_aiff,
    b".snd": _end_of_au,
    b"caff": _end_of_caf,
    PAGE: _end_of_ogg,
}
BEGINS = {".flac": MARK, ".aif": b"FORM", ".aiff": b"FORM", ".au": b".snd", ".caf": b"caff", ".ogg": PAGE}
FORMAT = Audio()
