"""What every feature of a recording keeps to."""

import numpy as np
import pytest

from motor.features.base import RecordingFeature
from motor.registry import plugins

PLUGINS = {name: kind for name, kind in plugins("motor.features").items() if issubclass(kind, RecordingFeature)}


@pytest.fixture(params=sorted(PLUGINS))
def feature(request):
    return PLUGINS[request.param].model_validate({})


def recording(seconds: float, rate_hz: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=round(seconds * rate_hz))
    return (0.5 + noise).astype(np.float32)


def test_recordings_of_any_length_rate_and_speed_get_the_same_finite_columns(feature):
    shapes = [(2.0, 25600.0, 600.0), (1.3, 25600.0, 1171.0), (1.7, 51200.0, 900.5), (3.1, 12800.0, 3000.0)]
    rows = [feature.from_recording(recording(seconds, rate), rate, speed) for seconds, rate, speed in shapes]
    assert all(list(row) == list(rows[0]) for row in rows)
    assert all(type(value) is float and np.isfinite(value) for row in rows for value in row.values())


def test_the_same_recording_gives_the_same_row_and_is_not_written_to(feature):
    signal = recording(2.0, 25600.0)
    signal.flags.writeable = False
    assert feature.from_recording(signal, 25600.0, 900.0) == feature.from_recording(signal.copy(), 25600.0, 900.0)


def test_the_offset_of_a_recording_changes_nothing(feature):
    signal = recording(2.0, 25600.0).astype(np.float64)
    before = feature.from_recording(signal, 25600.0, 900.0)
    assert feature.from_recording(signal + 3.0, 25600.0, 900.0) == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_a_still_recording_raises(feature, value):
    with pytest.raises(ValueError, match="drop the series"):
        feature.from_recording(np.full(51200, value, np.float32), 25600.0, 900.0)
