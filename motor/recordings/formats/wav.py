"""Signals in WAV files: RIFF, its 64-bit forms RF64 and BW64, and Sony's W64."""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO, ClassVar, NamedTuple

from motor.recordings.fields import Value
from motor.recordings.formats.audio_channels import audio_channels, no_value, read_audio
from motor.recordings.formats.base import Format, Signal, SignalOptions, Variable
from motor.recordings.recording import NEXT_STEP, SeriesError

RIFF = (b"RIFF", b"RF64", b"BW64", b"RIFX")
W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_CHUNK = 24  # bytes of a chunk's identifier and size, which the size counts
MOST_BEHIND, READ_BEHIND = 64, 2**20  # bytes behind the last chunk: that may be anything, and that are looked at
MOST_CHUNKS = 1000  # behind the samples
UNKNOWN = 0xFFFFFFFF  # what programs that write to a pipe, and RF64, leave where a size should stand
OTHERS = {b"fLaC": "FLAC", b"OggS": "Ogg", b"FORM": "AIFF", b".snd": "AU", b"caff": "CAF", b"ID3\x03": "MP3"}
# Formats with as many bytes for each frame: PCM, float, A-law, mu-law, and what says so in an extension.
EVEN = (1, 3, 6, 7, 0xFFFE)


class Body(NamedTuple):
    """Where a file's samples lie."""

    begin: int
    n_bytes: int
    form: int
    frame_bytes: int

    @property
    def n_frames(self) -> int | None:
        """How many there are; None where that is not known before they are decoded."""
        return self.n_bytes // self.frame_bytes if self.form in EVEN and self.frame_bytes else None


class Wav(Format):
    """WAV of every kind that libsndfile reads; integer PCM is scaled to [-1, 1] by it."""

    suffixes: ClassVar[tuple[str, ...]] = (".wav", ".w64", ".rf64")
    has_names: ClassVar[bool] = False

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return the channels."""
        checked_body(path)
        return audio_channels(path)

    def read(self, path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
        """Read the named channels, or the only one.

        Raises
        ------
        SeriesError
            If it is no WAV, or is shorter than its head and chunks say: libsndfile would return the rest without a
            word.
        """
        body = checked_body(path)
        signals = read_audio(path, wanted, options)
        n_frames = len(signals[0].values)
        if body.n_frames is not None and body.n_frames != n_frames:
            raise SeriesError(
                f"{path}: {body.n_frames} samples by its chunks, but {n_frames} can be read; it is damaged; {NEXT_STEP}"
            )
        return signals

    def value(self, path: Path, wanted: str, options: SignalOptions) -> Value:
        """Raise: nothing but sound is read of these files."""
        raise no_value(path, wanted)


FORMAT = Wav()


def checked_body(path: Path) -> Body:
    """Return where a file's samples lie, by its chunks; raise if the file ends before they do."""
    with path.open("rb") as file:
        head = file.read(40)
        if head[:4] in RIFF and head[8:12] == b"WAVE":
            return _riff_body(file, head, path)
        if head[:16] == W64:
            return _w64_body(file, head, path)
    is_other = next((name for start, name in OTHERS.items() if head.startswith(start)), None)
    found = f"it is {is_other}" if is_other else f"it begins with {head[:8]!r}"
    raise SeriesError(f"{path}: cannot be read as {path.suffix}: {found}; convert it to WAV; {NEXT_STEP}")


def _riff_body(file: IO[bytes], head: bytes, path: Path) -> Body:
    order = ">" if head[:4] == b"RIFX" else "<"
    whole, data64 = struct.unpack(f"{order}I", head[4:8])[0], None
    form = frame_bytes = 0
    size, place = path.stat().st_size, 12
    end = whole + 8 if 0 < whole < UNKNOWN else size
    _check_holds(end, size, path)
    while place + 8 <= size:
        name, n_bytes = _chunk(file, place, f"{order}4sI", path)
        if name == b"ds64":
            riff64, data64 = _chunk(file, place + 8, f"{order}QQ", path)
            _check_holds(riff64 + 8, size, path)
            end = riff64 + 8
        elif name == b"fmt ":
            form, _, _, _, frame_bytes = _chunk(file, place + 8, f"{order}HHIIH", path)
        elif name == b"data":
            begin = place + 8
            if n_bytes == UNKNOWN and data64 is not None:
                n_bytes = data64
            elif n_bytes == UNKNOWN or (n_bytes == 0 and whole in (0, UNKNOWN)):
                n_bytes = size - begin
                return Body(begin, n_bytes, form, frame_bytes)
            _check_holds(begin + n_bytes, size, path)
            _check_rest(file, begin + n_bytes, (end, size), f"{order}4sI", path)
            _check_frames(n_bytes, form, frame_bytes, path)
            return Body(begin, n_bytes, form, frame_bytes)
        place += 8 + n_bytes + n_bytes % 2
    raise SeriesError(f"{path}: cut off, {size} bytes without a chunk of samples (data); {NEXT_STEP}")


def _check_frames(n_bytes: int, form: int, frame_bytes: int, path: Path) -> None:
    """Raise if the samples end within one."""
    if form in EVEN and frame_bytes and n_bytes % frame_bytes:
        raise SeriesError(
            f"{path}: {n_bytes} bytes of samples by its head, and each has {frame_bytes}: the last is cut; write its "
            f"head anew, or {NEXT_STEP}"
        )


def _check_rest(file: IO[bytes], begin: int, ends: tuple[int, int], form: str, path: Path) -> None:
    """Raise if what comes after the samples is no chunk: they go on there, and a head written early lies.

    Behind the end that the head tells a few bytes may be anything. Not all programs fill up an odd number of bytes.
    """
    end, size = ends
    place = max(_behind_chunks(file, start, size, form, path) for start in {begin, begin + begin % 2})
    file.seek(min(place, size))
    within = file.read(min(READ_BEHIND, max(0, end - place)))
    if any(within) or (size - place > MOST_BEHIND and any(file.read(READ_BEHIND))):
        raise SeriesError(
            f"{path}: {size - place} bytes come after the samples and chunks that its head tells; was it cut short, or "
            f"never finished? Write its head anew, or {NEXT_STEP}"
        )


def _behind_chunks(file: IO[bytes], place: int, size: int, form: str, path: Path) -> int:
    """Return where the chunks end that begin at a place."""
    for _ in range(MOST_CHUNKS):
        name, n_bytes = _chunk(file, place, form, path) if place + 8 <= size else (b"", size)
        if not name or place + 8 + n_bytes > size or not all(32 <= letter < 127 for letter in name):
            break
        place += 8 + n_bytes + n_bytes % 2
    return place


def _w64_body(file: IO[bytes], head: bytes, path: Path) -> Body:
    size, place = path.stat().st_size, 40
    if len(head) == 40:
        _check_holds(struct.unpack("<Q", head[16:24])[0], size, path)
    form = frame_bytes = 0
    while place + W64_CHUNK <= size:
        name, n_bytes = _chunk(file, place, "<16sQ", path)
        begin = place + W64_CHUNK
        if name.startswith(b"fmt "):
            form, _, _, _, frame_bytes = _chunk(file, begin, "<HHIIH", path)
        elif name.startswith(b"data"):
            _check_holds(place + n_bytes, size, path)
            return Body(begin, n_bytes - W64_CHUNK, form, frame_bytes)
        place += max(W64_CHUNK, n_bytes + -n_bytes % 8)
    raise SeriesError(f"{path}: cut off, {size} bytes without a chunk of samples (data); {NEXT_STEP}")


def _chunk(file: IO[bytes], place: int, form: str, path: Path) -> tuple:
    """Return what stands at a place of a file."""
    file.seek(place, os.SEEK_SET)
    content = file.read(struct.calcsize(form))
    if len(content) < struct.calcsize(form):
        raise SeriesError(f"{path}: cut off in the chunk at byte {place}; {NEXT_STEP}")
    return struct.unpack(form, content)


def _check_holds(stated: int, held: int, path: Path) -> None:
    if stated > held:
        raise SeriesError(f"{path}: cut off, {held} bytes of the {stated} its head tells; {NEXT_STEP}")
