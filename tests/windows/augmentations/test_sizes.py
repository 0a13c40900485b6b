"""Each augmentation's size, measured against its setting and the method's limits."""

import numpy as np
import pytest
from pydantic import ValidationError

from motor.windows.augmentations.amplitude import Amplitude
from motor.windows.augmentations.jitter import Jitter
from motor.windows.augmentations.masking import Masking
from motor.windows.augmentations.shift import Shift
from motor.windows.augmentations.spectral import Spectral
from motor.windows.augmentations.spikes import Spikes
from motor.windows.augmentations.tone import Tone
from tests.windows.augmentations.changed import changed

RATE_HZ = 65536.0
SIZE = 5120
WINDOW_T = (7 * np.random.default_rng(1).standard_normal(SIZE)).astype(np.float32)


def draws(augmentation, count=200, label="normal", window_T=WINDOW_T):
    return changed(np.tile(window_T, (count, 1)), [augmentation], range(count), RATE_HZ, label)


def test_amplitude_factors_are_uniform_in_their_interval():
    factors = np.array([changed_T[0] / WINDOW_T[0] for changed_T in draws(Amplitude(), 500)])
    assert 0.9 <= factors.min() < 0.91
    assert 1.09 < factors.max() <= 1.1 + 1e-6
    assert factors.mean() == pytest.approx(1.0, abs=0.01)


def test_amplitude_is_one_factor_for_the_whole_window():
    changed_T = draws(Amplitude(), 1)[0]
    np.testing.assert_allclose(changed_T / WINDOW_T, changed_T[0] / WINDOW_T[0], rtol=1e-6)


@pytest.mark.parametrize("sigma", [0.01, 0.03])
def test_jitter_deviation_is_sigma_of_the_windows(sigma):
    noise_T = np.concatenate([changed_T - WINDOW_T for changed_T in draws(Jitter(sigma=sigma), 20)])
    assert noise_T.std() == pytest.approx(sigma * WINDOW_T.std(), rel=0.02)
    assert abs(noise_T.mean()) < 0.02 * noise_T.std()


def test_masking_share_lies_in_its_interval():
    shares = [np.isnan(changed_T).mean() for changed_T in draws(Masking())]
    assert 0.01 - 0.5 / SIZE <= min(shares) < 0.012
    assert 0.028 < max(shares) <= 0.03 + 0.5 / SIZE


def test_masking_spans_are_disjoint_and_as_many_as_set():
    def n_spans(changed_T):
        return int((np.diff(np.isnan(changed_T).astype(int), prepend=0) == 1).sum())

    counts = {n_spans(changed_T) for changed_T in draws(Masking(spans=(2, 8)))}
    assert counts == set(range(2, 9))
    assert {n_spans(changed_T) for changed_T in draws(Masking(spans=(5, 5)), 20)} == {5}


def test_masking_spans_do_not_touch_even_when_crowded():
    window_T = np.zeros(40, dtype=np.float32)
    for changed_T in draws(Masking(share=(0.5, 0.5), spans=(8, 8)), window_T=window_T):
        masked_T = np.isnan(changed_T).astype(int)
        assert masked_T.sum() == 20
        assert (np.diff(masked_T, prepend=0) == 1).sum() == 8


def test_masking_missing_leaves_the_other_samples():
    changed_T = draws(Masking(), 1)[0]
    seen_T = ~np.isnan(changed_T)
    np.testing.assert_array_equal(changed_T[seen_T], WINDOW_T[seen_T])


def test_masking_mean_writes_the_mean():
    changed_T = draws(Masking(fill="mean"), 1)[0]
    masked_T = changed_T != WINDOW_T
    assert 0.009 < masked_T.mean() < 0.031
    np.testing.assert_allclose(changed_T[masked_T], WINDOW_T.mean())


def test_masking_reaches_every_part_of_the_window():
    hits = sum(np.isnan(changed_T).reshape(8, -1).mean(axis=1) for changed_T in draws(Masking(), 400)) / 400
    np.testing.assert_allclose(hits, 0.02, atol=0.006)


def test_shift_rolls_later_by_at_most_its_share():
    ramp_T = np.arange(SIZE, dtype=np.float32)
    steps = [int(np.argmin(changed_T)) for changed_T in draws(Shift(), 400, window_T=ramp_T)]
    assert min(steps) == 0
    assert max(steps) == int(0.01 * SIZE)
    rolled_T = draws(Shift(), 1, window_T=ramp_T)[0]
    np.testing.assert_array_equal(rolled_T, np.roll(ramp_T, steps[0]))


def test_shift_leaves_the_future_without_a_seam():
    ramp_T = np.arange(SIZE, dtype=np.float32)
    for changed_T in draws(Shift(), 50, window_T=ramp_T):
        assert (np.diff(changed_T[SIZE // 5 :]) == 1).all()


def test_spectral_changes_only_the_upper_gain_by_5_to_10_percent():
    spectrum = np.fft.rfft(WINDOW_T.astype(np.float64))
    for changed_T in draws(Spectral(), 50):
        ratio = np.abs(np.fft.rfft(changed_T.astype(np.float64)) / spectrum)
        upper = ratio[SIZE // 4 :]
        np.testing.assert_allclose(ratio[: SIZE // 4], 1, atol=1e-3)
        assert 0.05 - 1e-3 < abs(np.median(upper) - 1) < 0.10 + 1e-3
        np.testing.assert_allclose(upper, np.median(upper), atol=1e-3)


def test_spectral_raises_and_lowers():
    changes = [np.std(changed_T) / np.std(WINDOW_T) - 1 for changed_T in draws(Spectral(), 50)]
    assert min(changes) < -0.02
    assert max(changes) > 0.02


def test_spikes_are_few_and_one_to_two_deviations_high():
    for changed_T in draws(Spikes(), label="spark"):
        added_T = changed_T - WINDOW_T
        heights = np.abs(added_T[added_T != 0]) / WINDOW_T.std()
        assert 1 <= heights.size <= 0.002 * SIZE
        assert heights.min() >= 1 - 1e-4
        assert heights.max() <= 2 + 1e-4


def test_spikes_have_both_signs_and_varying_numbers():
    added = [changed_T - WINDOW_T for changed_T in draws(Spikes(), label="spark")]
    assert len({int((added_T != 0).sum()) for added_T in added}) > 5
    signs = np.sign(np.concatenate([added_T[added_T != 0] for added_T in added]))
    assert abs(signs.mean()) < 0.15


def test_spikes_of_a_percent_are_refused():
    with pytest.raises(ValidationError, match=r"less than 0\.01"):
        Spikes(largest_share=0.01)


def test_tone_peaks_in_its_band_with_its_amplitude():
    frequencies_hz = np.fft.rfftfreq(SIZE, 1 / RATE_HZ)
    peaks_hz = []
    for changed_T in draws(Tone(), label="vibrate"):
        tone_T = (changed_T - WINDOW_T).astype(np.float64) / WINDOW_T.std()
        peaks_hz.append(frequencies_hz[np.argmax(np.abs(np.fft.rfft(tone_T)))])
        assert 0.05 - 1e-3 < np.abs(tone_T).max() < 0.1 + 1e-3
    resolution_hz = RATE_HZ / SIZE
    assert 200 - resolution_hz <= min(peaks_hz) < 230
    assert 470 < max(peaks_hz) <= 500 + resolution_hz


def test_tone_above_nyquist_raises_with_both_numbers():
    with pytest.raises(ValueError, match=r"500 Hz.*640 Hz.*320 Hz"):
        Tone().check(640.0)


def test_interval_reversed_raises():
    with pytest.raises(ValidationError, match="begins above its end"):
        Amplitude(factor=(1.1, 0.9))


def test_interval_infinite_raises():
    with pytest.raises(ValidationError, match="finite"):
        Amplitude(factor=(0.9, float("inf")))
