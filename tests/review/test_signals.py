"""Signals where they lie: found by item, screens kept, a sound that browsers play."""

import io
import wave

import numpy as np
import pytest

from motor.recordings.recording import Recording
from motor.recordings.table import write_recordings
from motor.review.faults import ReviewError
from motor.review.signals import Signal, Signals, sound


@pytest.fixture
def deliveries(tmp_path):
    for name in ("first", "second"):
        signal = np.arange(100, dtype=np.float32)
        write_recordings([Recording(name, "m", "sound", "normal", 8000.0, signal)], tmp_path / name)
    return [tmp_path / "first", tmp_path / "second"]


def test_items_of_several_deliveries_are_found(deliveries):
    signals = Signals(deliveries)
    assert signals.find("second").values.tolist() == list(range(100))
    assert signals.find("first").speed_rpm is None
    with pytest.raises(ReviewError, match="no table of recordings has the item 'third'"):
        signals.find("third")


def test_screen_is_computed_once(deliveries):
    signals = Signals(deliveries)
    assert signals.screen("first", 50) is signals.screen("first", 50)


@pytest.mark.parametrize(("rate_hz", "played_hz"), [(2000, 8000), (44100, 44100), (200_000, 66_666)])
def test_sound_has_a_rate_that_browsers_play(rate_hz, played_hz):
    signal = Signal(np.sin(np.arange(1000)).astype(np.float32), float(rate_hz), None)
    with wave.open(io.BytesIO(sound(signal))) as found:
        assert found.getframerate() == played_hz
        assert found.getnframes() / played_hz == pytest.approx(1000 / rate_hz, rel=0.01)
