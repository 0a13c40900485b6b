"""Conformal offsets: intervals cover what they say on windows that took no part, whatever the forecaster."""

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.conformal import calibrate, load_offsets, offsets_of, save_offsets
from motor.backbones.linear import PLUGIN as Linear

LEVELS, DOMAINS = (0.1, 0.3, 0.5, 0.9), ("calm", "wild")
CONTEXT, HORIZON = 64, 8


def windows(number: int, n_windows: int = 400) -> Batch:
    """Noise whose future is quieter than its context in one domain, and wilder in the other."""
    generator = np.random.default_rng([2, number])
    domain_B = np.arange(n_windows) % 2
    window_BN = 5 * generator.standard_normal((n_windows, CONTEXT + HORIZON)).astype(np.float32)
    window_BN[:, CONTEXT:] *= np.where(domain_B == 0, 0.3, 3.0)[:, None]
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], domain_B)


@pytest.fixture
def forecaster():
    return Linear().create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0)


def cover(forecaster, batch: Batch) -> list[float]:
    low_BH, high_BH = (forecaster.predict_quantiles(batch)[..., place].numpy() for place in (0, 3))
    within_BH = (low_BH <= batch.future_BH) & (batch.future_BH <= high_BH)
    return [within_BH[batch.domain_B == place].mean() for place in (0, 1)]


def test_intervals_of_each_domain_cover_what_they_say_on_unseen_windows(forecaster):
    before = cover(forecaster, windows(1))
    assert before[0] > 0.95
    assert before[1] < 0.5
    median = forecaster.predict_quantiles(windows(1))[..., 2]
    calibrate(forecaster, [windows(0)])
    assert cover(forecaster, windows(1)) == pytest.approx([0.8, 0.8], abs=0.03)
    assert torch.equal(forecaster.predict_quantiles(windows(1))[..., 2], median)


def test_offsets_follow_the_scale_of_the_window_and_keep_quantiles_sorted(forecaster):
    calibrate(forecaster, [windows(0)])
    batch = windows(1)
    forecast = forecaster.predict_quantiles(batch)
    assert (forecast.diff(dim=-1) >= 0).all()
    moved = forecaster.predict_quantiles(batch._replace(context_BT=4 * batch.context_BT + 2))
    torch.testing.assert_close(moved, 4 * forecast + 2, atol=1e-3, rtol=1e-4)


def test_offsets_are_kept_beside_the_weights(forecaster, tmp_path):
    forecaster.save(tmp_path)
    save_offsets(forecaster, tmp_path)
    plain = Linear().load(tmp_path, DOMAINS)
    load_offsets(plain, tmp_path)
    assert plain.offsets_NGQ is None
    calibrate(forecaster, [windows(0)])
    save_offsets(forecaster, tmp_path)
    load_offsets(plain, tmp_path)
    assert torch.equal(plain.predict_quantiles(windows(1)), forecaster.predict_quantiles(windows(1)))


def test_offset_of_an_interval_is_the_conformal_quantile_of_what_it_missed_by():
    miss = np.stack([np.arange(9.0) - 3, np.arange(9.0), np.arange(9.0) - 5], axis=1)
    outside = np.sort(np.maximum(-miss[:, 0], miss[:, 2]))
    offsets = offsets_of(miss, (0.1, 0.5, 0.9))
    assert offsets.tolist() == [-outside[7], 0, outside[7]]  # the eighth of ten, by (n + 1) times 0.8


def test_domain_without_windows_raises(forecaster):
    batch = windows(0)
    with pytest.raises(ValueError, match="domain 'wild' has no validation windows"):
        calibrate(forecaster, [batch._replace(domain_B=np.zeros_like(batch.domain_B))])


def of_two_classes(number: int, n_windows: int = 600) -> Batch:
    """Sines that every forecaster can tell on, and noise that none can, in turn; two domains of each."""
    generator = np.random.default_rng([7, number])
    phase_B1 = generator.uniform(0, 6.28, (n_windows, 1))
    sine_BN = np.sqrt(2) * np.sin(2 * np.pi * np.arange(CONTEXT + HORIZON) / 16 + phase_B1)
    noise_BN = generator.standard_normal(sine_BN.shape)
    is_noise_B1 = np.arange(n_windows)[:, None] % 4 >= 2
    window_BN = np.where(is_noise_B1, noise_BN, sine_BN + 0.1 * noise_BN).astype(np.float32)
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.arange(n_windows) % 2)


def cover_by_class(forecaster, batch: Batch) -> list[float]:
    forecast = forecaster.predict_quantiles(batch).numpy()
    within_BH = (forecast[..., 0] <= batch.future_BH) & (batch.future_BH <= forecast[..., 3])
    return [within_BH[np.arange(batch.n_windows) % 4 // 2 == place].mean() for place in (0, 1)]


def test_offsets_by_window_cover_each_class_where_those_by_domain_cover_their_mean(tmp_path):
    """A linear forecaster's intervals are as wide for noise as for sines: planted, and healed without a label."""
    forecaster = Linear(n_lags=32).create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0)
    forecaster.solve(lambda: [of_two_classes(2)])
    calibrate(forecaster, [of_two_classes(0)])
    by_domain = cover_by_class(forecaster, of_two_classes(1))
    assert by_domain[0] > 0.95
    assert by_domain[1] < 0.7
    median = forecaster.predict_quantiles(of_two_classes(1))[..., 2]
    calibrate(forecaster, [of_two_classes(0)], by_window=True)
    assert cover_by_class(forecaster, of_two_classes(1)) == pytest.approx([0.8, 0.8], abs=0.06)
    assert torch.equal(forecaster.predict_quantiles(of_two_classes(1))[..., 2], median)
    forecaster.save(tmp_path)
    save_offsets(forecaster, tmp_path)
    again = Linear().load(tmp_path, DOMAINS)
    load_offsets(again, tmp_path)
    assert torch.equal(*(one.predict_quantiles(of_two_classes(1)) for one in (again, forecaster)))
    one, every = of_two_classes(1).rows(slice(5, 6)), forecaster.predict_quantiles(of_two_classes(1))
    torch.testing.assert_close(forecaster.predict_quantiles(one), every[5:6], atol=1e-5, rtol=0)
