import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from motor.features.classical import Classical, segment_levels, time_statistics, welch_psd

RATE_HZ = 8192.0


def signal(n_samples: int = 8192) -> np.ndarray:
    time = np.arange(n_samples) / RATE_HZ
    return np.sin(2 * np.pi * 440 * time) + 0.1 * np.random.default_rng(0).normal(size=n_samples)


def test_classical_has_the_seeds_1200_columns():
    names = list(Classical().from_recording(signal(), RATE_HZ, None))
    counts = [sum(name.startswith(start) for name in names) for start in ("time_", "stft_", "psd_", "high_")]
    assert counts == [15, 127, 1050, 8]


def test_time_statistics_agree_with_scipy():
    values = np.random.default_rng(0).gamma(2.0, size=1000)
    values -= values.mean()
    found = time_statistics(values)
    assert found["kurtosis"] == pytest.approx(stats.kurtosis(values, fisher=False))
    assert found["skewness"] == pytest.approx(stats.skew(values))
    assert found["rms"] == pytest.approx(values.std())


def test_time_statistics_of_a_sine_are_the_textbook_values():
    found = time_statistics(np.sin(2 * np.pi * (np.arange(100000) + 0.5) / 1000))
    assert found["crest_factor"] == pytest.approx(np.sqrt(2), rel=1e-4)
    assert found["shape_factor"] == pytest.approx(np.pi / np.sqrt(8), rel=1e-4)
    assert found["kurtosis"] == pytest.approx(1.5)
    assert found["zero_crossing_rate"] == pytest.approx(2 / 1000, rel=0.01)


@pytest.mark.parametrize("n_samples", [8192, 10000, 65536])
def test_segment_levels_follow_the_level_in_time(n_samples):
    values = np.random.default_rng(0).normal(size=n_samples)
    values[n_samples // 2 :] *= 10
    levels = segment_levels(values)
    assert levels.shape == (127,)
    assert levels[65:].mean() / levels[:62].mean() == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("n_samples", [8192, 50000])
def test_psd_peaks_at_the_tone_and_holds_its_power(n_samples):
    time = np.arange(n_samples) / RATE_HZ
    frequencies_hz, density = welch_psd(np.sin(2 * np.pi * 440 * time), RATE_HZ)
    assert frequencies_hz[np.argmax(density)] == pytest.approx(440)
    assert density.sum() * frequencies_hz[1] == pytest.approx(0.5, rel=0.01)


def test_high_frequency_power_is_the_share_above():
    columns = Classical().from_recording(signal(), RATE_HZ, None)
    noise_share = 0.01 / 0.51 * (1 - np.array([1000, 2000, 3000, 4000]) / 4096)
    found = [columns[f"high_power_{edge}_hz"] for edge in (1000, 2000, 3000, 4000)]
    np.testing.assert_allclose(found, noise_share, rtol=0.1, atol=5e-4)


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_classical_with_level_left_out_is_the_same_under_another_gain(gain):
    before = Classical().from_recording(signal(), RATE_HZ, None)
    assert Classical().from_recording(signal() * gain, RATE_HZ, None) == pytest.approx(before, abs=1e-6)


def test_classical_with_level_kept_shows_the_gain():
    columns = [Classical(level="kept").from_recording(signal() * gain, RATE_HZ, None) for gain in (1, 10)]
    assert columns[1]["time_rms"] == pytest.approx(10 * columns[0]["time_rms"])
    assert columns[1]["psd_0440_hz"] == pytest.approx(columns[0]["psd_0440_hz"] + 20)


@pytest.mark.parametrize("level", ["left_out", "kept"])
def test_classical_under_an_offset_is_the_same(level):
    feature = Classical(level=level)
    before = feature.from_recording(signal(), RATE_HZ, None)
    assert feature.from_recording(signal() + 7.0, RATE_HZ, None) == pytest.approx(before, abs=1e-6)


@pytest.mark.parametrize(
    ("rate_hz", "message"),
    [
        (8000.0, r"set high_frequencies_hz lower .*={high_frequencies_hz: \[1000.0, 2000.0, 3000.0\]}"),
        (
            2000.0,
            r"set psd_highest_hz and high_frequencies_hz lower .*={psd_highest_hz: 999, high_frequencies_hz: \[\]}",
        ),
    ],
)
def test_classical_at_too_low_a_rate_says_what_to_set(rate_hz, message):
    with pytest.raises(ValueError, match=message):
        Classical().from_recording(signal(), rate_hz, None)
    (fault,) = Classical().faults(pd.DataFrame({"sampling_rate_hz": [65536.0, rate_hz]}))
    assert re.search(message, fault)
    fitted = Classical(**Classical().fitted_to(rate_hz))
    assert not list(fitted.faults(pd.DataFrame({"sampling_rate_hz": [rate_hz]})))
    fitted.from_recording(signal(), rate_hz, None)


def test_classical_at_too_low_a_rate_without_high_frequencies_names_the_other_setting():
    (fault,) = Classical(high_frequencies_hz=()).faults(pd.DataFrame({"sampling_rate_hz": [2000.0]}))
    assert "reaches 1050 Hz" in fault
    assert fault.endswith("features.classical={psd_highest_hz: 999}")


def test_classical_of_a_short_recording_raises():
    with pytest.raises(ValueError, match="needs 512 samples"):
        Classical().from_recording(signal(500), RATE_HZ, None)
