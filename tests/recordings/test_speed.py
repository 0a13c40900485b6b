import numpy as np
import pytest

from motor.recordings.recording import Recording
from motor.recordings.speed import estimate_speed, speed_errors, summarise_errors
from motor.recordings.table import open_recordings, write_recordings

RATE_HZ = 12800.0
RANGE_RPM = (500.0, 2500.0)


def rotor(speed_rpm: float, seconds: float = 2.0, noise: float = 1.0) -> np.ndarray:
    """Return the first harmonics of a shaft in noise: float32."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tones = [0.5 * np.cos(2 * np.pi * h * speed_rpm / 60 * time + h) for h in (1, 2, 3)]
    return (sum(tones) + noise * np.random.default_rng(0).normal(size=time.size)).astype(np.float32)


def modulated(speed_rpm: float) -> np.ndarray:
    """Return noise whose strength turns with the shaft: no line in its own spectrum."""
    time = np.arange(round(4 * RATE_HZ)) / RATE_HZ
    angle = 2 * np.pi * speed_rpm / 60 * time
    strength = np.exp(0.8 * np.cos(angle) + 0.5 * np.cos(2 * angle) + 0.4 * np.cos(3 * angle))
    return (strength * np.random.default_rng(0).normal(size=time.size)).astype(np.float32)


@pytest.mark.parametrize("speed_rpm", [600.0, 933.0, 1480.0, 2310.0])
@pytest.mark.parametrize("make", [rotor, modulated])
def test_estimate_of_a_known_speed_is_within_one_percent(make, speed_rpm):
    assert estimate_speed(make(speed_rpm), RATE_HZ, RANGE_RPM).speed_rpm == pytest.approx(speed_rpm, rel=0.01)


def test_estimate_under_another_gain_and_offset_is_the_same():
    signal = rotor(933.0).astype(np.float64)
    before = estimate_speed(signal, RATE_HZ, RANGE_RPM)
    after = estimate_speed(signal * 1000 + 5, RATE_HZ, RANGE_RPM)
    assert after.speed_rpm == before.speed_rpm
    assert after.confidence == pytest.approx(before.confidence, abs=1e-6)


def test_estimate_of_noise_is_less_confident_than_of_a_rotor():
    noise = np.random.default_rng(1).normal(size=25600)
    confidences = [estimate_speed(signal, RATE_HZ, RANGE_RPM).confidence for signal in (noise, rotor(933.0))]
    assert 0 <= confidences[0] < confidences[1] <= 1


def test_estimate_with_mains_hum_is_that_of_the_rotor():
    hum = np.sin(2 * np.pi * 50 * np.arange(25600) / RATE_HZ)
    assert estimate_speed(rotor(933.0) + hum, RATE_HZ, RANGE_RPM).speed_rpm == pytest.approx(933, rel=0.01)


@pytest.mark.parametrize(
    ("range_rpm", "n_samples", "message"),
    [
        ((1000.0, 500.0), 25600, "0 < lowest speed < highest"),
        ((60.0, 500.0), 25600, "holds 2 revolutions"),
        ((500.0, 200000.0), 25600, "below the Nyquist"),
    ],
)
def test_estimate_in_an_impossible_range_raises(range_rpm, n_samples, message):
    with pytest.raises(ValueError, match=message):
        estimate_speed(rotor(933.0)[:n_samples], RATE_HZ, range_rpm)


@pytest.mark.parametrize("value", [0.0, 0.1, np.nan])
def test_estimate_of_a_still_signal_raises(value):
    with pytest.raises(ValueError, match="no speed in them"):
        estimate_speed(np.full(25600, value, np.float32), RATE_HZ, RANGE_RPM)


def test_speed_errors_are_shown_where_a_speed_is_known(tmp_path):
    told = {"a": 933.0, "b": None, "c": 1000.0}
    recordings = [
        Recording(item, f"motor-{item}", "rig", "normal", RATE_HZ, rotor(933.0), speed_rpm=speed)
        for item, speed in told.items()
    ]
    write_recordings(recordings, tmp_path)
    errors = speed_errors(open_recordings(tmp_path), RANGE_RPM)
    assert list(errors["item"]) == ["a", "c"]
    np.testing.assert_allclose(errors["relative_error"], [0.0, -0.067], atol=0.01)
    summary = summarise_errors(errors)
    assert summary.loc["rig", "share_within"] == 0.5
    assert summary.loc["rig", "n_recordings"] == 2


def test_speed_errors_without_a_known_speed_raise(tmp_path):
    write_recordings([Recording("a", "motor", "rig", "normal", RATE_HZ, rotor(933.0))], tmp_path)
    with pytest.raises(ValueError, match="no recording has a speed_rpm"):
        speed_errors(open_recordings(tmp_path), RANGE_RPM)
