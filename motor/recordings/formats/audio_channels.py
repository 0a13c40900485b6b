"""Channels of files that libsndfile decodes, block by block."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motor.lazy import soundfile
from motor.recordings.formats.base import Signal, SignalOptions, Variable
from motor.recordings.formats.choosing import NUMBERED
from motor.recordings.formats.shapes import check_length, unreadable
from motor.recordings.names import shown
from motor.recordings.recording import NEXT_STEP, AbsentError, DataError, SeriesError

BLOCK_SAMPLES = 2**20
WIDE = ("DOUBLE", "PCM_32")  # what float32 cannot hold where a signal is small beside its mean


def audio_channels(path: Path) -> list[Variable]:
    """Return the channels of a file, by its head."""
    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise unreadable(path, error) from error
    rate = float(info.samplerate)
    return [Variable(f"channel {k}", (info.frames,), "float32", rate) for k in range(1, info.channels + 1)]


def read_audio(path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
    """Read the named channels, or the only one, each of shape (n_frames,), in one pass.

    They are float32, or float64 where samples have more bits than it holds.

    Raises
    ------
    SeriesError
        If the file is damaged, or ends before its head says.
    """
    try:
        with soundfile.SoundFile(path) as file:
            places = [channel_of(one, file.channels, path) for one in wanted]
            check_length(file.frames, options.max_samples, str(path))
            rate = float(file.samplerate)
            return [Signal(values, rate) for values in _decoded(file, places, path)]
    except DataError:
        raise
    except (soundfile.SoundFileError, RuntimeError, MemoryError) as error:
        raise unreadable(path, error) from error


def _decoded(file: Any, places: Sequence[int], path: Path) -> list[np.ndarray]:
    """Return channels of an open file."""
    kind = "float64" if file.subtype in WIDE else "float32"
    signals = {place: np.empty(file.frames, kind) for place in places}
    begin = 0
    while begin < file.frames:
        n_frames = min(file.frames - begin, max(1, BLOCK_SAMPLES // file.channels))
        if file.channels == 1:  # without a copy
            block = file.read(n_frames, dtype=kind, out=signals[0][begin : begin + n_frames])
        else:
            block = file.read(n_frames, dtype=kind, always_2d=True)
        if not len(block):
            raise SeriesError(
                f"{path}: cut off, {begin} samples can be read of the {file.frames} its head tells; {NEXT_STEP}"
            )
        for place, signal in signals.items() if file.channels > 1 else ():
            signal[begin : begin + len(block)] = block[:, place]
        begin += len(block)
    return [signals[place] for place in places]


def channel_of(wanted: str | None, n_channels: int, path: Path) -> int:
    """Return the place of a channel from 0."""
    if wanted is None and n_channels == 1:
        return 0
    numbered = NUMBERED.fullmatch(wanted or "")
    if numbered and numbered[1] != "row" and int(numbered[2]) <= n_channels:
        return int(numbered[2]) - 1
    there = f"{n_channels} channels" if n_channels > 1 else "1 channel"
    if wanted is None:
        raise SeriesError(
            f"{path}: {there}, a recording has 1; name them in channels, or one of them in variable (channel 1)"
        )
    raise AbsentError(f"{path}: channel {shown(wanted)}, the file has {there}; set channel 1 to channel {n_channels}")


def no_value(path: Path, wanted: str) -> SeriesError:
    """Return the error of a field that is looked for where there is sound alone."""
    return AbsentError(f"{path}: no field {shown(wanted)} in a file of sound; take it out of fields")
