"""What cannot be computed is known of the recordings' table, with the settings that would fit."""

import re

import numpy as np
import pandas as pd
import pytest

from motor.features.classical import Classical
from motor.features.lines import Lines
from motor.features.order_lines import OrderLines
from motor.features.orders import Orders
from motor.recordings.recording import Recording
from motor.recordings.table import open_recordings, write_recordings
from motor.stages.computable import feature_faults
from motor.stages.speeds import Speed
from motor.stages.untold_speeds import untold_speeds

RATE_HZ = 12800.0


def table(seconds: float, speed_rpm: float | None = None, n: int = 3, rate_hz: float = RATE_HZ) -> pd.DataFrame:
    known = {"sampling_rate_hz": rate_hz, "n_samples": round(seconds * rate_hz), "speed_rpm": speed_rpm}
    return pd.DataFrame([{"item": f"item-{k}", **known} for k in range(n)]).astype({"speed_rpm": "float64"})


def faults(features, meta, **speed) -> list[str]:
    return list(feature_faults(features, meta, Speed(**speed)))


def test_enough_revolutions_of_a_told_speed_are_no_fault():
    assert faults((Orders(), OrderLines(), Lines()), table(1.0, 1500.0)) == []


def test_three_revolutions_are_a_fault_of_orders_that_names_what_fits():
    (fault,) = faults((Orders(), OrderLines()), table(0.12, 1500.0))
    assert "item-0 holds 3.00" in fault
    assert "features.orders.revolutions to 3" in fault


def test_unknown_speed_is_a_fault_where_the_feature_needs_it():
    (fault,) = faults((Lines(), OrderLines()), table(1.0))
    assert "speed: {source: either}" in fault


@pytest.mark.parametrize("speed", [{"source": "estimated"}, {"source": "either"}, {"turning": "tracked"}])
def test_recording_too_short_for_an_estimate_is_a_fault_with_a_range_that_fits(speed):
    found = faults((OrderLines(),), table(0.4), range_rpm=(300.0, 3600.0), **speed)
    assert len(found) == 1
    assert "item-0 has 0.4 s, and 2 others are too short; set speed.range_rpm to [750, 3600]" in found[0]


def test_estimate_for_which_no_range_fits_asks_for_the_speed():
    found = faults((OrderLines(),), table(0.05), source="estimated", range_rpm=(300.0, 3600.0))
    assert "too short; give the speed" in found[0]


def test_rate_too_low_for_the_highest_speed_is_a_fault_with_the_speed_that_fits():
    (fault,) = faults((OrderLines(),), table(4.0, rate_hz=300.0), source="estimated", range_rpm=(300.0, 3600.0))
    assert "let it end below 3000" in fault


def test_features_that_ask_for_no_speed_need_no_estimate():
    assert faults((Classical(),), table(0.4), source="estimated") == []


def rotor(speed_rpm: float, seed: int, strength: float = 0.5) -> np.ndarray:
    time = np.arange(round(RATE_HZ)) / RATE_HZ
    tones = [strength * np.cos(2 * np.pi * h * speed_rpm / 60 * time + h) for h in (1, 2, 3)]
    return (sum(tones) + np.random.default_rng(seed).normal(size=time.size)).astype(np.float32)


def heard(folder, told: float | None, strength: float = 0.5):
    recordings = [
        Recording(f"a-{k}", "a", "rig", "normal", RATE_HZ, rotor(1480.0, k, strength), speed_rpm=told) for k in range(3)
    ]
    write_recordings(recordings, folder)
    return untold_speeds(open_recordings(folder), Speed(range_rpm=(900.0, 2400.0)))


def test_speeds_that_nothing_tells_are_heard_and_the_setting_that_takes_them_is_said(tmp_path):
    found = heard(tmp_path, None)
    assert (found.n_untold, found.n_heard) == (3, 3)
    assert found.found_rpm == pytest.approx([1480.0] * 3, rel=0.005)
    assert re.search(r"estimate: when_sure, range_rpm: \[11\d\d, 18\d\d\]", found.sentence())


def test_speeds_that_nothing_tells_of_noise_are_not_known(tmp_path):
    found = heard(tmp_path, None, strength=0.0)
    assert len(found.found_rpm) == 0
    assert "give speed_rpm" in found.sentence()


def test_speeds_that_are_told_are_not_heard(tmp_path):
    assert heard(tmp_path, 1480.0) is None
