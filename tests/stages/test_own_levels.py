"""A series' own mean and deviation are read once, and give the scalers that its signal gives."""

import numpy as np
import pytest

from motor.recordings.recording import Recording
from motor.recordings.table import open_recordings, write_recordings
from motor.stages.own_levels import SeriesScalers, read_own_levels, write_own_levels
from motor.windows.scaling import Scaler, Scaling

FITTED = {"east": Scaler(5.0, 2.0), "west": Scaler(-1.0, 3.0)}


@pytest.fixture
def recordings(tmp_path):
    signals = [np.random.default_rng(i).normal(i, 1 + i, 50).astype(np.float32) for i in range(3)]
    signals.append(np.full(50, 7, dtype=np.float32))
    domains = ("east", "west", "east", "west")
    rows = enumerate(zip(domains, signals, strict=True))
    write_recordings(
        (Recording(f"s{i}", f"m{i}", domain, "ok", 100.0, signal) for i, (domain, signal) in rows), tmp_path
    )
    return open_recordings(tmp_path)


def scalers(recordings, scaling):
    write_own_levels(recordings, scaling, recordings.folder)
    return SeriesScalers(recordings, scaling, FITTED, read_own_levels(recordings.folder))


@pytest.mark.parametrize("east", [Scaling(by="item"), Scaling(centre_by="item"), Scaling()])
def test_own_levels_give_the_scalers_that_the_signals_give(recordings, east):
    scaling = {"east": east, "west": Scaling(centre_by="item")}
    found = scalers(recordings, scaling)
    for index, (item, domain) in enumerate(zip(recordings.meta["item"], recordings.meta["domain"], strict=True)):
        wanted = scaling[domain].scaler(FITTED, item, domain, recordings.signal(index))
        assert found.scaler(index, item, domain, f"m{index}") == wanted


def test_own_levels_are_not_written_where_nothing_asks(recordings):
    write_own_levels(recordings, {"east": Scaling(), "west": Scaling()}, recordings.folder)
    assert read_own_levels(recordings.folder) is None


def test_own_levels_are_looked_up_without_reading_the_signal(recordings):
    found = scalers(recordings, {"east": Scaling(by="item"), "west": Scaling(centre_by="item")})
    wanted = [found.scaler(i, f"s{i}", domain, f"m{i}") for i, domain in enumerate(("east", "west"))]
    recordings.samples = np.full_like(recordings.samples, np.nan)
    assert [found.scaler(i, f"s{i}", domain, f"m{i}") for i, domain in enumerate(("east", "west"))] == wanted


def test_own_levels_of_a_constant_signal_raise_only_where_it_is_used(recordings):
    found = scalers(recordings, {"east": Scaling(), "west": Scaling(by="item")})
    found.scaler(1, "s1", "west", "m1")
    with pytest.raises(ValueError, match="s3: all 50 samples are 7"):
        found.scaler(3, "s3", "west", "m3")
