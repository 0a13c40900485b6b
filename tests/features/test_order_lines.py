import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from motor.features.order_lines import OrderLines

RATE_HZ = 25600.0
NARROW = {"bands_hz": ((3000.0, 5500.0),), "slip": 0.0, "ceiling_db": None}
LINES = OrderLines(**NARROW)


def struck(order: float, speed_rpm: float, seconds: float = 1.0, rate_hz: float = RATE_HZ) -> np.ndarray:
    """Return a resonance at 4 kHz that is struck `order` times a revolution, in noise: float64."""
    n_samples = round(seconds * rate_hz)
    time = np.arange(n_samples) / rate_hz
    since = time % (60 / speed_rpm / order)
    ringing = np.exp(-800 * since) * np.sin(2 * np.pi * 4000 * since)
    return ringing + 0.1 * np.sqrt(rate_hz / RATE_HZ) * np.random.default_rng(0).normal(size=n_samples)


def meta(*rates_hz: float, speed_rpm: float = 900.0) -> pd.DataFrame:
    return pd.DataFrame({"sampling_rate_hz": rates_hz, "n_samples": 25600, "speed_rpm": speed_rpm})


def strongest(columns: dict[str, float]) -> float:
    return float(max(columns, key=columns.__getitem__).split("_")[2])


@pytest.mark.parametrize("speed_rpm", [300.0, 1137.0, 3000.0])
@pytest.mark.parametrize("order", [3.585, 5.415])
def test_order_lines_of_strikes_stand_out_at_every_speed(order, speed_rpm):
    columns = OrderLines(**NARROW, highest_order=order + 1).from_recording(
        struck(order, speed_rpm, seconds=1200 / speed_rpm), RATE_HZ, speed_rpm
    )
    assert strongest(columns) == pytest.approx(order, abs=0.051)
    assert max(columns.values()) > 15.0
    assert np.median(list(columns.values())) < 8.0


@pytest.mark.parametrize("rate_hz", [12800.0, 16000.0, 51200.0, 65536.0])
def test_order_lines_of_one_machine_are_the_same_at_every_rate(rate_hz):
    before = LINES.from_recording(struck(3.585, 900.0), RATE_HZ, 900.0)
    after = LINES.from_recording(struck(3.585, 900.0, rate_hz=rate_hz), rate_hz, 900.0)
    assert list(after) == list(before)
    top = sorted(before, key=before.__getitem__)[-3:]
    assert [after[name] for name in top] == pytest.approx([before[name] for name in top], abs=3.0)


@pytest.mark.parametrize("slip", [0.982, 1.018])
def test_order_lines_that_slip_stand_in_the_columns_of_those_that_do_not(slip):
    def height(feature: OrderLines, order: float) -> float:
        return feature.from_recording(struck(order, 900.0, seconds=8), RATE_HZ, 900.0)["line_order_005.400_band_1"]

    wide = LINES.model_copy(update={"slip": 0.02})
    assert height(LINES, 5.4 * slip) < height(LINES, 5.4) - 6
    assert height(wide, 5.4 * slip) == pytest.approx(height(wide, 5.4), abs=5)


def test_order_lines_are_cut_off_at_the_ceiling_alone():
    capped = LINES.model_copy(update={"ceiling_db": 12.0}).from_recording(struck(3.585, 900.0), RATE_HZ, 900.0)
    free = LINES.from_recording(struck(3.585, 900.0), RATE_HZ, 900.0)
    assert max(free.values()) > 12
    assert capped == {name: min(value, 12.0) for name, value in free.items()}


def test_order_lines_higher_bands_are_taken_where_every_rate_holds_them():
    lower = OrderLines().bands_hz
    assert OrderLines().settled(meta(25600.0, 51200.0)).bands_hz == (*lower, (5500.0, 10000.0))
    assert OrderLines().settled(meta(51200.0)).bands_hz == (*lower, (5500.0, 10000.0), (10000.0, 20000.0))


@pytest.mark.parametrize("seconds", [0.2, 4.0])
def test_order_lines_of_any_length_have_the_same_columns(seconds):
    whole = LINES.from_recording(struck(3.585, 900.0), RATE_HZ, 900.0)
    assert list(LINES.from_recording(struck(3.585, 900.0, seconds), RATE_HZ, 900.0)) == list(whole)


def test_order_lines_of_a_longer_recording_are_narrower():
    def width(seconds: float) -> int:
        values = np.array(list(LINES.from_recording(struck(3.585, 900.0, seconds), RATE_HZ, 900.0).values()))
        return int((values[56:68] > values[56:68].max() - 10).sum())

    assert width(4.0) < width(0.4)


def test_order_lines_mean_of_a_step_is_below_its_largest():
    largest = LINES.from_recording(struck(3.585, 900.0), RATE_HZ, 900.0)
    mean = LINES.model_copy(update={"line": "mean"}).from_recording(struck(3.585, 900.0), RATE_HZ, 900.0)
    assert all(mean[name] <= largest[name] + 1e-9 for name in largest)
    assert strongest(mean) == strongest(largest)


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_order_lines_under_another_gain_are_the_same(gain):
    signal = struck(3.585, 900.0)
    before = LINES.from_recording(signal, RATE_HZ, 900.0)
    assert LINES.from_recording(signal * gain, RATE_HZ, 900.0) == pytest.approx(before, abs=1e-6)


def test_order_lines_bands_of_low_rates_are_cut_and_of_very_low_ones_shrink():
    assert OrderLines().settled(meta(12800.0, 51200.0)).bands_hz == OrderLines().bands_hz
    cut = OrderLines().settled(meta(51200.0, 8192.0)).bands_hz
    end = pytest.approx(0.977 * 4096)
    assert cut == ((500.0, 1500.0), (1500.0, 3000.0), (3000.0, end), (500.0, end))
    shrunk = OrderLines().settled(meta(4096.0)).bands_hz
    assert shrunk[-1][1] == pytest.approx(0.977 * 2048)
    assert shrunk[0][0] == pytest.approx(0.977 * 2048 * 500 / 5500)


def test_order_lines_without_any_speed_stand_in_hertz():
    feature = LINES.settled(meta(25600.0, 25600.0, speed_rpm=np.nan))
    columns = feature.from_recording(struck(4.0, 900.0), RATE_HZ, None)
    strongest_hz = max(columns, key=columns.__getitem__).removeprefix("line_hz_").removesuffix("_band_1")
    assert float(strongest_hz) == pytest.approx(60.0, abs=1.5)


def test_order_lines_of_one_recording_without_speed_raises_with_the_next_step():
    feature = LINES.settled(meta(25600.0))
    with pytest.raises(ValueError, match=r"speed: \{source: either\}"):
        feature.from_recording(struck(3.585, 900.0), RATE_HZ, None)


def test_order_lines_of_one_revolution_raises():
    with pytest.raises(ValueError, match=r"1\.50 revolutions"):
        LINES.from_recording(struck(3.585, 900.0, seconds=0.1), RATE_HZ, 900.0)


def test_order_lines_above_the_nyquist_frequency_raises():
    with pytest.raises(ValueError, match="Nyquist"):
        LINES.from_recording(struck(3.585, 900.0, rate_hz=8000.0), 8000.0, 900.0)


@pytest.mark.parametrize("wrong", [{"bands_hz": ((900.0, 300.0),)}, {"lowest_order": 20.0}, {"order_step": 0.0}])
def test_order_lines_impossible_settings_raise(wrong):
    with pytest.raises(ValidationError):
        OrderLines.model_validate(wrong)
