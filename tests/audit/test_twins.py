"""One machine under two names."""

import numpy as np
import pandas as pd
import pytest

from motor.audit.fingerprint import fingerprint, reach_for
from motor.audit.twins import are_same, same_recordings, similar_motors, without_marks


def noise(seed, n_samples=4000):
    return np.random.default_rng(seed).normal(size=n_samples).astype(np.float32)


def dealt(*motors):
    return pd.DataFrame([{"fold": "0", "motor": motor, "side": side} for motor, side in motors])


@pytest.mark.parametrize(("one", "other"), [("M-01", "M_1"), ("Pump 1/A", "pump1-a"), ("Fan.7", "Fan 07")])
def test_similar_motors_on_two_sides_are_found(one, other):
    (finding,) = similar_motors(dealt((one, "train"), (other, "test"), ("M2", "test"))).findings
    assert finding.evidence["n_pairs"] == 1
    assert not similar_motors(dealt((one, "train"), (other, "train"))).findings


@pytest.mark.parametrize(
    ("one", "other"), [("1-1", "11"), ("IR2-600", "IR26-00"), ("A", "B"), ("M1", "M10"), ("v1.05", "v1.5")]
)
def test_similar_motors_names_of_two_machines_are_none(one, other):
    assert without_marks(one) != without_marks(other)
    assert not similar_motors(dealt((one, "train"), (other, "test"))).findings


def found(signals, motors):
    prints = [fingerprint(signal, reach_for(4000)) for signal in signals]
    table = pd.DataFrame({"item": [f"item_{k}" for k in range(len(signals))], "motor": motors})
    return same_recordings(table, prints, lambda number: signals[number]).findings


@pytest.mark.parametrize(("gain", "offset"), [(1, 0), (-3, 7), (0.001, 250)])
def test_same_recordings_of_two_motors_are_found_whatever_gain_and_offset(gain, offset):
    signals = [noise(1), noise(2), (gain * noise(1).astype(np.float64) + offset).astype(np.float64)]
    assert are_same(signals[0], signals[2])
    (finding,) = found([signals[0], signals[1], noise(1) * gain], ["M1", "M2", "M3"])
    assert finding.evidence["pairs"] == ["item_0 = item_2"]


def test_same_recordings_too_short_for_landmarks_are_found_by_their_samples():
    (finding,) = found([noise(1, 60), noise(2, 60), noise(1, 60)], ["M1", "M2", "M3"])
    assert finding.evidence["pairs"] == ["item_0 = item_2"]


def test_same_recordings_of_one_motor_and_noisy_ones_are_none():
    assert not found([noise(1), 2 * noise(1)], ["M1", "M1"])
    assert not found([noise(1), noise(2)], ["M1", "M2"])
    assert not are_same(noise(1), noise(1) + 0.01 * noise(2))
    assert not are_same(noise(1), noise(1)[1:])
