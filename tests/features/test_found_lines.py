"""Bands are found on training motors alone: those where something strikes."""

import numpy as np
import pandas as pd
import pytest

from motor.features.found_lines import FoundLines
from motor.features.order_lines import OrderLines

RATE_HZ, SPEED_RPM = 25600.0, 1500.0
META = pd.DataFrame({"sampling_rate_hz": [RATE_HZ], "n_samples": [25600], "speed_rpm": [SPEED_RPM]})


def struck(mode_hz: float, seed: int, order: float | None = 3.58) -> np.ndarray:
    """Return noise, with a resonance that is struck so often a turn."""
    time = np.arange(25600) / RATE_HZ
    since = time % (60 / SPEED_RPM / order) if order else np.full(time.size, 1.0)
    noise = np.random.default_rng(seed).normal(size=time.size)
    return 0.2 * noise + np.exp(-400 * since) * np.sin(2 * np.pi * mode_hz * since)


def described(mode_hz: float, n_motors: int = 6) -> tuple[FoundLines, pd.DataFrame, pd.Series]:
    """Return what is said of motors of which every other one is struck."""
    feature = FoundLines(n_bands=2).settled(META)
    signals = [struck(mode_hz, number, 3.58 if number % 2 else None) for number in range(n_motors)]
    rows = [feature.from_recording(signal, RATE_HZ, SPEED_RPM) for signal in signals]
    return feature, pd.DataFrame(rows), pd.Series([f"m{number}" for number in range(n_motors)])


@pytest.mark.parametrize("mode_hz", [700.0, 2600.0, 9500.0])
def test_band_of_the_struck_resonance_is_taken_and_the_others_are_left_out(mode_hz):
    feature, table, motors = described(mode_hz)
    left_out = set(feature.left_out(table, motors))
    kept = [name for name in table if name not in left_out]
    numbers = {int(name.rpartition("_")[2]) for name in kept}
    assert len(numbers) == 2
    taken = [feature.bands_hz[number - 1] for number in numbers]
    assert any(low <= mode_hz <= high for low, high in taken)
    assert len(kept) == 2 * len(OrderLines().from_recording(struck(mode_hz, 0), RATE_HZ, SPEED_RPM)) / 4


def test_bands_are_found_whatever_the_gain():
    feature, table, motors = described(2600.0)
    louder = pd.DataFrame(
        [feature.from_recording(1e3 * struck(2600.0, k, 3.58 if k % 2 else None), RATE_HZ, SPEED_RPM) for k in range(6)]
    )
    assert list(feature.left_out(louder, motors)) == list(feature.left_out(table, motors))


def test_bands_beyond_the_lowest_rate_are_not_chosen_from():
    low = FoundLines().settled(META.assign(sampling_rate_hz=8192.0))
    assert max(high for _, high in low.bands_hz) <= 4096
    assert len(FoundLines().settled(META).bands_hz) == 8
