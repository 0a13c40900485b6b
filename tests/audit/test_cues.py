"""Cues of one recording."""

import numpy as np
import pytest

from motor.audit.cues import clipping, mains_hum, quantisation, signal_cues


@pytest.fixture
def noise():
    return np.random.default_rng(3).normal(size=20000).astype(np.float32)


def test_signal_cues_offset_and_level_are_mean_and_log_rms(noise):
    cues = signal_cues(0.1 * noise + 2, 5000.0)
    assert cues["dc_offset"] == pytest.approx(2, abs=5e-3)
    assert cues["level"] == pytest.approx(-1, abs=0.01)


@pytest.mark.parametrize("step", [1.0, 1e-3, 1.26e-6])
def test_quantisation_of_a_grid_is_its_step_at_any_level(noise, step):
    for level in (100, 1000, 30000):
        grid = (np.round(noise * level).astype(np.float64) * step).astype(np.float32)
        assert quantisation(grid) == pytest.approx(np.log10(step), abs=0.006)


def test_quantisation_of_floats_is_none_at_any_level(noise):
    assert {quantisation(noise), quantisation(1e-4 * noise), quantisation(noise**3)} == {-99.0}


def test_quantisation_of_a_constant_is_none():
    assert quantisation(np.ones(100, np.float32)) == -99.0


def test_clipping_is_the_share_at_both_ends(noise):
    clipped = np.clip(noise, -2, 2)
    assert clipping(clipped) == pytest.approx((np.abs(noise) >= 2).mean())


def test_clipping_of_signals_within_range_is_zero(noise):
    tone = np.sin(0.01 * np.arange(20000)).astype(np.float32)
    assert clipping(noise) == clipping(tone) == clipping(np.round(noise * 20)) == 0


@pytest.mark.parametrize(("hz", "expected"), [(50, 1.0), (60, -1.0), (55, 0.0), (0, 0.0)])
def test_mains_hum_tells_50_from_60_hz_at_any_gain(noise, hz, expected):
    hum = np.sin(2 * np.pi * hz * np.arange(20000) / 5000).astype(np.float32)
    assert mains_hum(noise + 2 * hum, 5000.0) == mains_hum(1e-3 * (noise + 2 * hum), 5000.0) == expected


def test_mains_hum_drowned_a_little_stays_strong(noise):
    hum = 3 * np.sin(2 * np.pi * 50 * np.arange(20000) / 5000).astype(np.float32)
    assert mains_hum(noise + hum, 5000.0) == mains_hum(2 * noise + hum, 5000.0) == 1.0


def test_mains_hum_of_a_short_recording_is_unknown(noise):
    assert np.isnan(mains_hum(noise[:1000], 5000.0))


@pytest.mark.parametrize("speed_rpm", [1500.0, 3000.0, 1800.0, 3600.0, 1497.0, 3014.0])
def test_mains_hum_where_a_known_shaft_has_its_line_is_unknown(noise, speed_rpm):
    line = np.sin(2 * np.pi * 50 * np.arange(20000) / 5000).astype(np.float32)
    assert np.isnan(mains_hum(noise + 2 * line, 5000.0, speed_rpm))


@pytest.mark.parametrize("speed_rpm", [None, float("nan"), 0.0, 1000.0, 1440.0, 1560.0, 2900.0, 6000.0])
def test_mains_hum_beside_a_shaft_that_turns_elsewhere_is_found(noise, speed_rpm):
    hum = np.sin(2 * np.pi * 50 * np.arange(20000) / 5000).astype(np.float32)
    assert mains_hum(noise + 2 * hum, 5000.0, speed_rpm) == 1.0
