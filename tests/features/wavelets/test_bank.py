"""The bank of wavelets against one that transforms every band at full rate, and against shifts of a signal."""

import numpy as np
import pytest

from motor.features.scalogram import Scalogram
from motor.features.wavelets.bank import Bank, log_powers

RATE_HZ = 16384.0


def bank(n_bands=32, n_samples=8192):
    return Bank(n_samples, RATE_HZ, n_bands, n_bands, 20.0, 0.9, 6.0)


@pytest.fixture(scope="module")
def signal():
    """Noise, a tone and impacts that make a resonance ring."""
    random, time_s = np.random.default_rng(0), np.arange(8192 + 32) / RATE_HZ
    ringing = np.exp(-((time_s % 0.02) * 400)) * np.sin(2 * np.pi * 3000 * time_s)
    return random.normal(size=len(time_s)) * 0.3 + np.sin(2 * np.pi * 120 * time_s) + 2 * ringing


def correlation(one, other):
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("n_bands", [32, 64, 128])
def test_bank_at_its_own_rates_gives_the_image_of_full_rate(signal, n_bands):
    own = bank(n_bands)
    images = [log_powers(powers(signal[:8192])) for powers in (own.powers, own.full_rate_powers)]
    assert correlation(*images) > 0.999


@pytest.mark.parametrize("n_bands", [64, 128])
def test_image_hardly_moves_with_the_signal(signal, n_bands):
    own = bank(n_bands)
    assert correlation(log_powers(own.powers(signal[:8192])), log_powers(own.powers(signal[9:8201]))) > 0.98


def test_planted_tone_is_found_within_one_band():
    own = bank()
    tone = np.sin(2 * np.pi * 1000 * np.arange(8192) / RATE_HZ)
    strongest = own.powers(tone).mean(axis=1).argmax()
    assert abs(strongest - np.abs(np.log(own.centres_hz / 1000)).argmin()) <= 1


def test_image_is_that_of_a_louder_recording():
    noise = np.random.default_rng(1).normal(size=4096)
    quiet, loud = (Scalogram().from_recording(noise * gain, RATE_HZ) for gain in (1, 100))
    assert list(quiet.values()) == pytest.approx(list(loud.values()), abs=1e-9)
    assert len(quiet) == 1024


@pytest.mark.parametrize(
    ("n_samples", "rate_hz", "why"), [(100, RATE_HZ, "n_frames lower"), (8192, 40.0, "low_hz lower")]
)
def test_signal_that_is_too_short_or_slow_says_what_to_set(n_samples, rate_hz, why):
    with pytest.raises(ValueError, match=why):
        Scalogram().from_recording(np.arange(n_samples, dtype=float), rate_hz)
