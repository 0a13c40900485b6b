"""Fingerprints, candidates and their confirmation."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import decimate

from motor.audit.duplicates import (
    LEAST_AT_ANY_LAG,
    LEAST_COHERENCE,
    candidates,
    coherence,
    duplicates,
    is_copy,
    same_digest,
)
from motor.audit.fingerprint import Fingerprint, fingerprint, hashes, reach_for

REACH = reach_for(8192)


def coloured(seed, n_samples=8192):
    noise = np.random.default_rng(seed).normal(size=n_samples + 20)
    return np.convolve(noise, 0.6 ** np.arange(20), "valid")[:n_samples].astype(np.float32)


def machine(seed):
    """A machine at the same speed as all others: strong tones, blows at equal intervals, weak noise of its own."""
    time = np.arange(8192)
    phase = np.random.default_rng(seed + 100).uniform(0, 6)
    tones = sum(np.sin(0.05 * order * time + order * phase) for order in range(1, 20))
    blows = np.where((time + int(50 * phase)) % 157 < 3, 6.0, 0.0)
    return (tones + blows + 0.3 * coloured(seed)).astype(np.float32)


def always(one, other):
    return True


def found(signals, crosses=always):
    recordings = pd.DataFrame({"item": [f"item_{number}" for number in range(len(signals))]})
    prints = [fingerprint(signal, reach_for(np.median([len(s) for s in signals]))) for signal in signals]
    return duplicates(recordings, crosses, prints, lambda number: signals[number]).findings


def test_fingerprint_landmarks_do_not_know_gain_offset_and_sign():
    signal = coloured(1)
    changed = fingerprint(5 - 4 * signal, REACH)
    assert np.array_equal(changed.landmarks, fingerprint(signal, REACH).landmarks)
    assert len(changed.landmarks) > 50


def test_fingerprint_landmarks_of_a_part_are_those_of_the_whole():
    signal = coloured(1) - coloured(1).mean()
    whole, part = fingerprint(signal, REACH).landmarks, fingerprint(signal[3001:], REACH).landmarks
    assert np.isin(part + 3001, whole).mean() > 0.9


def test_fingerprint_of_a_constant_matches_nothing():
    prints = [fingerprint(np.zeros(500, np.float32), REACH)] * 2
    assert same_digest(prints) == []
    assert list(candidates(prints, always)) == []


def test_candidates_of_an_overlapping_cut_know_the_shift():
    signal = coloured(2)
    (pair,) = candidates([fingerprint(signal[:6000], REACH), fingerprint(signal[2500:], REACH)], always)
    assert (pair.first, pair.second, pair.shift) == (0, 1, 2500)


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.2])
def test_duplicates_noisy_copy_is_found(noise):
    copy = -2 * coloured(1) + noise * np.random.default_rng(5).normal(size=8192)
    (finding,) = found([coloured(1), coloured(2), coloured(3), copy.astype(np.float32)])
    assert finding.evidence["pairs"] == ["item_0 = item_3"]


def test_duplicates_overlapping_cut_and_fractional_delay_are_found():
    signal = coloured(1)
    spectrum = np.fft.rfft(signal) * np.exp(-2j * np.pi * 0.4 * np.fft.rfftfreq(len(signal)))
    assert found([signal, coloured(2), signal[5000:]])
    assert found([signal, np.fft.irfft(spectrum).astype(np.float32)])


def test_duplicates_machines_of_one_type_at_one_speed_are_none():
    assert found([machine(seed) for seed in range(60)]) == ()


def test_duplicates_copy_of_a_machine_of_one_type_is_found():
    signals = [machine(seed) for seed in range(60)]
    (finding,) = found([*signals, (2 * machine(7) + 1).astype(np.float32)])
    assert finding.evidence["pairs"] == ["item_7 = item_60"]


def blows(seed, n_samples=32768, period=356.8):
    """A machine whose blows at equal intervals drown all else: the distances between its landmarks are all one."""
    random = np.random.default_rng(seed)
    ring = np.exp(-np.arange(120) / 25) * np.sin(0.35 * np.arange(120))
    signal = np.zeros(n_samples + 200)
    for begin in np.arange(random.uniform(0, period), n_samples - 1, period):
        signal[round(begin) : round(begin) + 120] += 8 * ring
    noise = np.convolve(random.normal(size=n_samples + 19), 0.8 ** np.arange(20), "valid")
    return signal[:n_samples] + 0.35 * noise


def test_duplicates_copy_of_a_periodic_signal_among_others_that_was_cut_and_resampled_is_found():
    machines = [blows(seed) for seed in range(30)]
    part = machines[7][5000:25001]
    copy = 3 - 2 * (part + 0.1 * part.std() * np.random.default_rng(5).normal(size=len(part)))
    signals = [decimate(signal, 4, ftype="fir").astype(np.float32) for signal in [*machines, copy]]
    (finding,) = found(signals)
    assert finding.evidence["pairs"] == ["item_7 = item_30"]


def test_duplicates_on_one_side_are_none():
    assert found([coloured(1), coloured(1), coloured(1)[100:]], lambda one, other: False) == ()


def test_is_copy_tones_alone_are_none():
    assert coherence(machine(1), machine(1)).value > 0.9
    assert not is_copy(machine(1), machine(2), 0)


def band_limited(seed):
    """What a recorder whose filter ends within its band leaves: strong lines, and above them nothing but rounding."""
    spectrum = np.fft.rfft(machine(seed).astype(np.float64) + 40 * np.sin(0.031 * np.arange(8192)))
    spectrum[len(spectrum) // 8 :] *= 1e-6
    return np.fft.irfft(spectrum).astype(np.float32)


def test_is_copy_empty_band_makes_no_copies():
    signals = [band_limited(seed) for seed in range(24)]
    shifts = (0, 2100, -3000)
    assert not any(
        is_copy(one, other, shift)
        for number, one in enumerate(signals)
        for other in signals[:number]
        for shift in shifts
    )


@pytest.mark.parametrize("shift", [0, 1500])
def test_is_copy_with_an_empty_band_is_found(shift):
    signal = band_limited(3)
    noise = 0.03 * np.random.default_rng(1).normal(size=8192)
    assert is_copy(signal, (5 - 3 * (signal + noise)).astype(np.float32)[shift:], shift)


def in_noise(seed, noise):
    """A machine that is heard in a fifth of the band, and white noise in all of it."""
    random = np.random.default_rng(seed)
    spectrum = np.fft.rfft(random.normal(size=8192)) * np.where(np.arange(4097) % 640 < 128, 4, 0.1)
    return (np.fft.irfft(spectrum) + 0.7 * np.random.default_rng(noise).normal(size=8192)).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_is_copy_that_noise_hides_in_most_of_the_band_is_found(seed):
    one, copy, other = in_noise(seed, 10 + seed), in_noise(seed, 20 + seed), in_noise(seed + 4, 20 + seed)
    assert LEAST_COHERENCE < coherence(one, copy).value < LEAST_AT_ANY_LAG
    assert is_copy(one, copy, 0, LEAST_AT_ANY_LAG)
    assert not is_copy(one, other, 0, LEAST_AT_ANY_LAG)


def test_coherence_skirts_of_a_strong_line_are_not_heard():
    time = np.arange(8192)
    one, other = (
        1e4 * np.sin(0.3333 * time + phase) + 1e-4 * np.random.default_rng(seed).normal(size=8192)
        for seed, phase in enumerate((0.0, 1.0))
    )
    assert coherence(one.astype(np.float32), other.astype(np.float32)).value < 0.5


def test_fingerprint_rounded_distances_bear_a_landmark_that_moved_by_one():
    prints = [
        Fingerprint(b"a", np.array([10, 90, 170, 290, 400])),
        Fingerprint(b"b", np.array([10, 91, 170, 289, 401])),
    ]
    codes = [hashes([one], is_rounded=True)[0] for one in prints]
    exact = [hashes([one])[0] for one in prints]
    assert np.isin(*codes).any()
    assert not np.isin(*exact).all()


def rig(seed):
    """A machine whose blows repeat, so that landmarks agree on many shifts, at eight times the rate."""
    time = np.arange(8 * 8192)
    ringing = np.exp(-0.004 * (time % 1640)) * np.sin(0.25 * (time % 1640))
    return ringing * (1 + 0.2 * np.repeat(coloured(seed), 8)) + 0.5 * coloured(seed + 50, 8 * 8192)


@pytest.mark.parametrize("offset", [2001, 2002, 2005])
def test_duplicates_resampled_cut_turned_and_noisy_copies_are_found(offset):
    whole = rig(1)
    copy = 5 - 3 * (whole[4 * offset : 4 * offset + 40000] + 0.1 * whole.std() * coloured(9, 40000))
    signals = [decimate(one, 8, ftype="fir").astype(np.float32) for one in (whole, copy, rig(2), rig(3))]
    (finding,) = found(signals)
    assert finding.evidence["pairs"] == ["item_0 = item_1"]


def test_duplicates_of_machines_at_one_speed_are_none():
    assert found([decimate(rig(seed), 8, ftype="fir").astype(np.float32) for seed in range(12)]) == ()
