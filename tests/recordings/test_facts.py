from collections.abc import Callable

import numpy as np
import pytest

from motor.recordings.facts import deviation, quantisation_step, signal_facts

TIME_S = np.arange(20_000) / 20_000
NOISE = np.random.default_rng(0).normal(size=20_000)
SINE = np.sin(2 * np.pi * 50 * TIME_S)


def test_facts_of_a_sine_are_known() -> None:
    facts = signal_facts((3 + 2 * SINE).astype(np.float32))
    assert facts.level_db == pytest.approx(20 * np.log10(np.sqrt(2)), abs=0.01)
    assert facts.offset == pytest.approx(3, abs=1e-4)
    assert facts.peak == pytest.approx(5, abs=1e-3)


@pytest.mark.parametrize(
    "signal",
    [NOISE, SINE, np.round(20_000 * SINE), np.round(20 * NOISE), np.round(3 * NOISE)],
    ids=["noise", "sine", "16-bit sine", "8-bit noise", "4-bit noise"],
)
def test_signal_within_its_range_is_not_clipped(signal: np.ndarray) -> None:
    assert signal_facts(signal.astype(np.float32)).clipped_share == 0


@pytest.mark.parametrize("clip", [lambda x: np.clip(x, -2.5, 2.5), lambda x: np.clip(x, -9, 2.5)], ids=["both", "top"])
@pytest.mark.parametrize("signal", [NOISE, 2.7 * SINE, np.round(NOISE * 1000) / 1000], ids=["noise", "sine", "16 bit"])
def test_signal_cut_off_is_clipped(signal: np.ndarray, clip: Callable[[np.ndarray], np.ndarray]) -> None:
    cut = clip(signal).astype(np.float32)
    at_extremes = np.mean(cut == 2.5) + np.mean(cut == -2.5)
    assert signal_facts(cut).clipped_share == pytest.approx(at_extremes)


@pytest.mark.parametrize("step", [1.0, 3.05e-4, 0.07])
def test_step_of_a_converter_is_found(step: float) -> None:
    signal = (step * np.round(100 * NOISE[:2048])).astype(np.float32)
    assert quantisation_step(signal) == pytest.approx(step, rel=1e-4)


@pytest.mark.parametrize("signal", [NOISE, SINE, np.ones(5)], ids=["noise", "sine", "constant"])
def test_step_of_what_lies_on_no_grid_is_none(signal: np.ndarray) -> None:
    assert quantisation_step(signal[:2048].astype(np.float32)) is None


def test_digest_of_equal_signals_is_equal_and_one_bit_changes_it() -> None:
    signal = NOISE.astype(np.float32)
    other = signal.copy()
    other[7] = np.nextafter(other[7], np.float32(9))
    assert signal_facts(signal).digest == signal_facts(signal.copy()).digest != signal_facts(other).digest


def test_deviation_of_a_long_signal_in_blocks_is_that_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    signal = (3 + np.random.default_rng(0).normal(size=1000)).astype(np.float32)
    whole = deviation(signal)
    monkeypatch.setattr("motor.recordings.facts.LONG", 64)
    assert deviation(signal) == pytest.approx(whole, rel=1e-12)


def test_outlier_of_a_long_signal_is_found_in_some_of_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motor.recordings.facts.LONG", 512)
    signal = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    assert signal_facts(signal).outlier is None
    signal[1717] = -99999
    assert signal_facts(signal).outlier == -99999
