"""Signals in files of sound that are no WAV: FLAC, AIFF, AU, CAF and Ogg."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from motor.recordings.fields import Value
from motor.recordings.formats.audio_channels import audio_channels, no_value, read_audio
from motor.recordings.formats.audio_heads import AU_OF_SMALL_END, LENGTHS, PAGE, BrokenError
from motor.recordings.formats.base import Format, Signal, SignalOptions, Variable
from motor.recordings.formats.flac import MARK, read_flac, stream_info
from motor.recordings.recording import NEXT_STEP, SeriesError

BEGINS = {".flac": (MARK,), ".aif": (b"FORM",), ".aiff": (b"FORM",), ".au": (b".snd", AU_OF_SMALL_END)}
BEGINS |= {".caf": (b"caff",), ".ogg": (PAGE,)}


class Audio(Format):
    """Sound that libsndfile decodes; integer samples are scaled to [-1, 1] by it."""

    suffixes: ClassVar[tuple[str, ...]] = tuple(BEGINS)
    has_names: ClassVar[bool] = False

    def contents(self, path: Path, options: SignalOptions) -> list[Variable]:
        """Return the channels."""
        if check_whole(path)[0] == MARK:
            stream_info(path)
        return audio_channels(path)

    def read(self, path: Path, wanted: Sequence[str | None], options: SignalOptions) -> list[Signal]:
        """Read the named channels, or the only one.

        Raises
        ------
        SeriesError
            If the file is cut off or damaged, or its head tells another number of samples than it holds.
        """
        mark, n_stated = check_whole(path)
        if mark == MARK:
            return read_flac(path, wanted, options)
        signals = read_audio(path, wanted, options)
        n_frames = len(signals[0].values)
        if n_stated not in (None, n_frames):
            raise SeriesError(
                f"{path}: {n_stated} samples by its head and size, but {n_frames} can be read; it is damaged, or goes "
                f"on behind the end that its head tells; write its head anew, or {NEXT_STEP}"
            )
        return signals

    def value(self, path: Path, wanted: str, options: SignalOptions) -> Value:
        """Raise: nothing but sound is read of these files."""
        raise no_value(path, wanted)


def check_whole(path: Path) -> tuple[bytes, int | None]:
    """Return how a file begins, and how many samples a channel has by its head, None where that is not known before.

    Raises
    ------
    SeriesError
        If it ends before its head says, has a hole, or is not what its name says.
    """
    with path.open("rb") as file:
        head = file.read(8)
        mark = next((begin for begin in LENGTHS if head.startswith(begin)), None)
        named = BEGINS.get(path.suffix.lower())
        if mark is None or (named and mark not in named):
            raise SeriesError(
                f"{path}: cannot be read as {path.suffix}: it begins with {head!r}; convert it, or name it as what "
                f"it is; {NEXT_STEP}"
            )
        size = path.stat().st_size
        try:
            found = LENGTHS[mark](file, size)
        except BrokenError as error:
            raise SeriesError(f"{path}: {error}; write it anew as one stream, or {NEXT_STEP}") from error
    if found.end > size:
        raise SeriesError(f"{path}: cut off, {size} bytes where its head tells more; {NEXT_STEP}")
    return mark, found.n_frames


FORMAT = Audio()
