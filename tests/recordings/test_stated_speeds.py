"""A told speed that the signals contradict is found, a right one is not."""

import numpy as np
import pytest

from motor.recordings.recording import Recording
from motor.recordings.stated_speeds import contradicted_speeds
from motor.recordings.table import open_recordings, write_recordings

RATE_HZ = 12800.0


def rotor(speed_rpm: float, seed: int, strength: float = 0.5) -> np.ndarray:
    time = np.arange(round(RATE_HZ)) / RATE_HZ
    tones = [strength * np.cos(2 * np.pi * h * speed_rpm / 60 * time + h) for h in (1, 2, 3)]
    return (sum(tones) + np.random.default_rng(seed).normal(size=time.size)).astype(np.float32)


def findings(folder, told: dict[str, float | None], true_rpm: float = 1480.0, strength: float = 0.5):
    recordings = [
        Recording(f"{motor}-{k}", motor, "rig", "normal", RATE_HZ, rotor(true_rpm, k, strength), speed_rpm=speed_rpm)
        for motor, speed_rpm in told.items()
        for k in range(2)
    ]
    write_recordings(recordings, folder)
    return list(contradicted_speeds(open_recordings(folder)))


def test_stated_speeds_that_are_right_are_not_contradicted(tmp_path):
    assert findings(tmp_path, {"a": 1480.0, "b": 1500.0, "c": None}) == []


def test_stated_speeds_of_noise_are_not_contradicted(tmp_path):
    assert findings(tmp_path, {"a": 1480.0, "b": 1233.0}, strength=0.0) == []


def test_told_speed_whose_comb_stands_at_12_tenths_is_found_with_motor_and_ratio(tmp_path):
    (finding,) = findings(tmp_path, {"a": 1480.0, "b": 1480.0 / 1.2})
    assert finding.evidence["ratio_by_motor"] == {"b": pytest.approx(1.2, abs=0.005)}
    assert "1 of 2 motors" in finding.what
    assert "b (1.2 times)" in finding.what
