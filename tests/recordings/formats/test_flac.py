"""FLAC: read to the bit, and refused where its samples are not those that its head tells."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from motor.recordings.formats.flac import stream_info
from motor.recordings.recording import SeriesError
from motor.recordings.signals import SignalOptions, contents, read_signal

pytestmark = pytest.mark.hostile

COUNTS = np.random.default_rng(0).integers(-100, 100, size=9000)
BITS = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}


def write(folder: Path, subtype: str = "PCM_16", n_channels: int = 1) -> Path:
    """Write the counts, of two channels the first turned around."""
    path, bits = folder / "a.flac", BITS[subtype]
    upper = np.left_shift(COUNTS, 32 - bits).astype(np.int32)
    soundfile.write(path, upper if n_channels == 1 else np.stack([upper[::-1], upper], 1), 800, subtype=subtype)
    return path


def change(path: Path, at: int, content: bytes) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + content + whole[at + len(content) :])
    return path


def n_samples_told(path: Path, n_samples: int) -> Path:
    """Write another number of samples into the head: the lower 36 of 64 bits from byte 18."""
    packed = int.from_bytes(path.read_bytes()[18:26], "big")
    return change(path, 18, ((packed >> 36 << 36) | n_samples).to_bytes(8, "big"))


@pytest.mark.parametrize("subtype", BITS)
def test_flac_of_any_width_is_read_to_the_bit(tmp_path: Path, subtype: str) -> None:
    path = write(tmp_path, subtype)
    signal, rate_hz = read_signal(path)
    np.testing.assert_array_equal(signal, (COUNTS / 2.0 ** (BITS[subtype] - 1)).astype(np.float32))
    np.testing.assert_array_equal(signal, soundfile.read(path, dtype="float32")[0])
    assert (rate_hz, stream_info(path).n_bits, stream_info(path).n_samples) == (800.0, BITS[subtype], len(COUNTS))


def test_flac_channel_by_its_number(tmp_path: Path) -> None:
    path = write(tmp_path, n_channels=2)
    np.testing.assert_array_equal(read_signal(path, variable="channel 2")[0], (COUNTS / 2**15).astype(np.float32))


def test_flac_that_goes_on_behind_the_end_its_head_tells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeriesError, match="checksum"):
        read_signal(n_samples_told(write(tmp_path), 4000))


def test_flac_without_a_checksum_is_read_and_its_length_still_compared(tmp_path: Path) -> None:
    path = change(write(tmp_path), 26, bytes(16))
    np.testing.assert_array_equal(read_signal(path)[0], (COUNTS / 2**15).astype(np.float32))
    with pytest.raises(SeriesError, match="cut off"):
        read_signal(n_samples_told(path, 2 * len(COUNTS)))


def test_flac_of_unknown_length_says_what_to_do(tmp_path: Path) -> None:
    path = n_samples_told(write(tmp_path), 0)
    for look in (lambda: read_signal(path), lambda: contents(path, SignalOptions())):
        with pytest.raises(SeriesError, match="encode it anew into a file"):
            look()


def test_flac_longer_than_allowed_is_refused_by_its_head(tmp_path: Path) -> None:
    with pytest.raises(SeriesError, match="raise max_samples"):
        read_signal(n_samples_told(write(tmp_path), 2**35))


@pytest.mark.parametrize(("form", "name"), [("OGG", "a.flac"), ("FLAC", "a.ogg"), ("AIFF", "a.au"), ("WAV", "a.flac")])
def test_sound_under_the_name_of_another_format_is_refused(tmp_path: Path, form: str, name: str) -> None:
    soundfile.write(tmp_path / name, COUNTS / 128, 800, format=form)
    with pytest.raises(SeriesError, match="name it as what it is"):
        read_signal(tmp_path / name)
