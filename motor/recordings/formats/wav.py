"""Signals in WAV files: RIFF, its 64-bit forms RF64 and BW64, and Sony's W64."""

import os
import struct
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from motor.recordings.formats.shapes import check_length, unreadable
from motor.recordings.recording import NEXT_STEP, SeriesError

RIFF = (b"RIFF", b"RF64", b"BW64", b"RIFX")
W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
W64_CHUNK = 24  # bytes of a chunk's identifier and size, which the size counts
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


def read_wav(path: Path, max_samples: int) -> tuple[np.ndarray, float]:
    """Read one channel; integer PCM is scaled to [-1, 1] by libsndfile.

    Raises
    ------
    SeriesError
        If it is no WAV, has several channels, or is shorter than its head and chunks say: libsndfile would return the
        rest without a word.
    """
    import soundfile

    body = checked_body(path)
    try:
        info = soundfile.info(path)
        check_length(info.frames * info.channels, max_samples, str(path))
        values, sampling_rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise unreadable(path, error) from error
    if values.shape[1] != 1:
        raise SeriesError(
            f"{path}: {values.shape[1]} channels, a recording has 1; write each channel to a file of its own"
        )
    if body.n_frames is not None and body.n_frames != len(values):
        raise SeriesError(
            f"{path}: {body.n_frames} samples by its chunks, but {len(values)} can be read; it is damaged; {NEXT_STEP}"
        )
    return values[:, 0], float(sampling_rate_hz)


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
    if 0 < whole < UNKNOWN:
        _check_holds(whole + 8, size, path)
    while place + 8 <= size:
        name, n_bytes = _chunk(file, place, f"{order}4sI", path)
        if name == b"ds64":
            riff64, data64 = _chunk(file, place + 8, f"{order}QQ", path)
            _check_holds(riff64 + 8, size, path)
        elif name == b"fmt ":
            form, _, _, _, frame_bytes = _chunk(file, place + 8, f"{order}HHIIH", path)
        elif name == b"data":
            begin = place + 8
            if n_bytes == UNKNOWN and data64 is not None:
                n_bytes = data64
            elif n_bytes == UNKNOWN or (n_bytes == 0 and whole in (0, UNKNOWN)):
                n_bytes = size - begin
            _check_holds(begin + n_bytes, size, path)
            return Body(begin, n_bytes, form, frame_bytes)
        place += 8 + n_bytes + n_bytes % 2
    raise SeriesError(f"{path}: cut off, {size} bytes without a chunk of samples (data); {NEXT_STEP}")


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


def _check_holds(told: int, held: int, path: Path) -> None:
    if told > held:
        raise SeriesError(f"{path}: cut off, {held} bytes of the {told} its head tells; {NEXT_STEP}")
