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
    assert plain.offsets_NQ is None
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
