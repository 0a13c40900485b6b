"""FLAC files, decoded against the checksum that their head tells: libsndfile stops where the head says they end."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from motor.lazy import soundfile
from motor.recordings.formats.audio_channels import BLOCK_SAMPLES, channel_of
from motor.recordings.formats.base import Signal, SignalOptions
from motor.recordings.formats.shapes import check_length, unreadable
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError

MARK = b"fLaC"
FULL_SCALE = 2.0**-31


class StreamInfo(NamedTuple):
    """The stream information at the head of a FLAC file (RFC 9639, section 8.2); a checksum of zeros is none."""

    n_bits: int
    n_samples: int
    md5: bytes


def stream_info(path: Path) -> StreamInfo:
    """Return what the head of a FLAC file tells.

    Raises
    ------
    SeriesError
        If it does not tell the number of samples: libsndfile cannot read such a stream.
    """
    with path.open("rb") as file:
        head = file.read(42).ljust(42, b"\0")
    packed = int.from_bytes(head[18:26], "big")
    n_samples = packed & (1 << 36) - 1
    if not n_samples:
        raise SeriesError(
            f"{path}: its head does not tell how many samples it has, as of one that was written to a pipe; encode it "
            f"anew into a file, {NEXT_STEP}"
        )
    return StreamInfo((packed >> 36 & 0x1F) + 1, n_samples, head[26:42])


def read_flac(path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
    """Read the named channels, or the only one, each as float32 (n_frames,) in [-1, 1], in one pass.

    Raises
    ------
    SeriesError
        If the file is damaged, ends before its head says, or holds other samples than its checksum tells.
    """
    info = stream_info(path)
    check_length(info.n_samples, options.max_samples, str(path))
    try:
        with soundfile.SoundFile(path) as file:
            places = [channel_of(one, file.channels, path) for one in wanted]
            signals = _decoded(file, info, places, path)
            return [Signal(values, float(file.samplerate)) for values in signals]
    except DataError:
        raise
    except (soundfile.SoundFileError, RuntimeError, MemoryError) as error:
        raise unreadable(path, error) from error


def _decoded(file: Any, info: StreamInfo, places: Sequence[int], path: Path) -> list[np.ndarray]:
    """Return channels of an open file, once its samples are those of the checksum."""
    digest, n_frames = hashlib.md5(usedforsecurity=False), 0
    signals = [np.empty(info.n_samples, np.float32) for _ in places]
    while len(block := file.read(max(1, BLOCK_SAMPLES // file.channels), dtype="int32", always_2d=True)):
        for place, signal in zip(places, signals, strict=True):
            signal[n_frames : n_frames + len(block)] = block[:, place] * FULL_SCALE
        digest.update(_as_stored(block, info.n_bits))
        n_frames += len(block)
    if n_frames < info.n_samples:
        raise SeriesError(
            f"{path}: cut off, {n_frames} samples can be read of the {info.n_samples} its head tells; {NEXT_STEP}"
        )
    if any(info.md5) and digest.digest() != info.md5:
        raise SeriesError(
            f"{path}: its {n_frames} samples are not those of its checksum: it is damaged, or goes on behind the end "
            f"that its head tells; encode it anew, {NEXT_STEP}"
        )
    return signals


def _as_stored(block: np.ndarray, n_bits: int) -> bytes:
    """Return samples, which libsndfile gives in the upper bits, as the bytes that the checksum is of."""
    samples = (block >> (32 - n_bits)).astype("<i4")
    n_bytes = (n_bits + 7) // 8
    return np.ascontiguousarray(samples.reshape(-1, 1).view(np.uint8)[:, :n_bytes]).tobytes()
