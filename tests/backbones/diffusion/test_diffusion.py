"""The way back from noise: schedules, futures that depend on their window alone, and a process that is known."""

from typing import get_args

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from motor.backbones.base import missing_packages
from motor.backbones.batch import Batch
from motor.backbones.diffusion import PLUGIN as Diffusion
from motor.backbones.diffusion.network import signal_shares, spread_levels, spread_noise
from motor.backbones.diffusion.settings import Library
from motor.backbones.training import Training, train

# A forecaster that is normalised by its context knows the process's mean from there alone. Of 256 samples the best
# such mean has a deviation of 0.18, by which alone the slope at step 4 is 1.05; of 1024 it is 1.01.
CONTEXT, HORIZON, LEVELS, KEPT = 1024, 4, (0.1, 0.5, 0.9), 0.8


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("n_levels", [50, 100, 1000])
def test_signal_falls_from_almost_all_to_almost_nothing(schedule, n_levels):
    shares = signal_shares(schedule, n_levels)
    assert (shares.diff() <= 0).all()
    assert shares[0] > 0.99
    assert shares[-1] < 1e-3


@pytest.mark.parametrize("n_samples", [20, 200])
def test_shared_noises_have_mean_0_and_deviation_1_at_each_step(n_samples):
    noise_SH = spread_noise(n_samples, 64)
    torch.testing.assert_close(noise_SH.mean(dim=0), torch.zeros(64), atol=1e-5, rtol=0)
    torch.testing.assert_close(noise_SH.std(dim=0, correction=0), torch.ones(64))
    other_SH = spread_noise(n_samples, 64)
    assert not torch.equal(other_SH, noise_SH)
    correlation_HH = torch.corrcoef(noise_SH.T) - torch.eye(64)
    assert correlation_HH.abs().max() < (0.9 if n_samples <= 64 else 1e-5)
    strata_S = noise_SH[:, 0].sort().values
    assert (strata_S[1:] - strata_S[:-1]).max() < 1.2


def test_each_noise_level_is_trained_on_as_often_as_any_other():
    counts = spread_levels(500, 100).bincount(minlength=100)
    assert counts.min() >= 4
    assert counts.max() <= 6


def test_way_back_of_a_perfect_denoiser_ends_at_the_future(monkeypatch):
    model = Diffusion(n_samples=4).create(16, HORIZON, LEVELS, 0.0, ("one",), 0).model
    clean_H = torch.tensor([1.0, -2.0, 0.5, 3.0])

    def velocity(noisy_RH, level_R, given_RD):
        share_R1 = model.shares_N[level_R][:, None]
        noise_RH = (noisy_RH - share_R1.sqrt() * clean_H) / (1 - share_R1).sqrt()
        return share_R1.sqrt() * noise_RH - (1 - share_R1).sqrt() * clean_H

    monkeypatch.setattr(model, "_velocity", velocity)
    drawn_SBH = model._drawn(torch.zeros(2, 128 + HORIZON))
    torch.testing.assert_close(drawn_SBH, clean_H.expand(4, 2, HORIZON), atol=1e-3, rtol=0)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of the library beside NumPy 2
@pytest.mark.parametrize("name", get_args(Library))
def test_schedulers_of_the_library_need_their_package_and_draw_nothing_on_the_way(name, monkeypatch):
    settings = Diffusion(sampler=name, n_samples=8)
    assert settings.PACKAGES == ("diffusers",)
    if missing_packages(settings.PACKAGES):
        ((argument, why),) = settings.incompatibilities(16, HORIZON, LEVELS, ("one",))
        assert (argument, "pip install diffusers" in why) == ("kind", True)
        pytest.skip("diffusers, an extra, is not installed here")
    forecaster, own = (one.create(16, HORIZON, LEVELS, 0.0, ("one",), 0) for one in (settings, Diffusion(n_samples=8)))
    batch = Batch(torch.randn(6, 16), None, torch.zeros(6, dtype=torch.long))
    together = forecaster.predict_quantiles(batch)
    alone = torch.cat([forecaster.predict_quantiles(batch.rows(slice(row, row + 1))) for row in range(6)])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=0)
    if name == "DDIMScheduler":
        own.model.settings = Diffusion(sampler="ddim", n_samples=8)
        monkeypatch.setattr(own.model, "_places", lambda depth_N: list(range(99, 0, -10)))  # the levels of the library
        torch.testing.assert_close(own.predict_quantiles(batch), together, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize(
    ("sampler", "n_steps", "low", "high"), [("dpm_solver", 10, 0.98, 1.07), ("ddim", 10, 0.4, 0.8)]
)
def test_way_back_of_a_normal_process_keeps_its_variance_by_the_solver_of_order_2(
    monkeypatch, schedule, sampler, n_steps, low, high
):
    """The best denoiser of a normal process is known; the order of the solver decides how much variance is left."""
    settings = Diffusion(n_samples=40, n_steps=n_steps, schedule=schedule, sampler=sampler)
    model = settings.create(16, HORIZON, LEVELS, 0.0, ("one",), 0).model
    variance_H = torch.tensor([0.36, 1.0, 0.1, 0.8])

    def velocity(noisy_RH, level_R, given_RD):
        share_R1 = model.shares_N[level_R][:, None]
        clean_RH = share_R1.sqrt() * variance_H / (share_R1 * variance_H + 1 - share_R1) * noisy_RH
        return (share_R1.sqrt() * noisy_RH - clean_RH) / (1 - share_R1).sqrt()

    monkeypatch.setattr(model, "_velocity", velocity)
    ratio_H = model._drawn(torch.zeros(1, 128 + HORIZON)).var(dim=0, correction=0)[0] / variance_H
    assert (ratio_H > low).all()
    assert (ratio_H < high).all()


def test_futures_are_given_in_the_windows_units():
    forecaster = Diffusion(n_samples=4, n_steps=2).create(16, HORIZON, LEVELS, 0.0, ("one",), 0)
    batch = autoregressive(0, 3, 16)
    samples_SBH = forecaster.forecast(batch).samples_SBH
    assert samples_SBH.shape == (4, 3, HORIZON)
    louder = forecaster.forecast(batch._replace(context_BT=10 * batch.context_BT + 1)).samples_SBH
    torch.testing.assert_close(louder, 10 * samples_SBH + 1, atol=1e-3, rtol=1e-4)


def autoregressive(number: int, n_windows: int, context: int = CONTEXT) -> Batch:
    """Windows of an autoregressive process of order 1, whose deviation is 1."""
    generator = np.random.default_rng([11, number])
    noise_BN = generator.standard_normal((n_windows, context + HORIZON)) * np.sqrt(1 - KEPT**2)
    noise_BN[:, 0] /= np.sqrt(1 - KEPT**2)
    window_BN = lfilter([1], [1, -KEPT], noise_BN)
    window_BN = window_BN.astype(np.float32)
    return Batch(window_BN[:, :context], window_BN[:, context:], np.zeros(n_windows, np.int64))


@pytest.mark.slow
def test_futures_have_mean_and_variance_of_a_known_process():
    forecaster = Diffusion(n_samples=200, n_steps=50).create(CONTEXT, HORIZON, LEVELS, 0.0, ("one",), 0)
    training = Training(num_steps=4000, batch_size=128, learning_rate=2e-3, dropout_rate=0.0, precision="float32")
    batches = (autoregressive(step, 128) for step in range(4000))
    train(forecaster, lambda first: batches, None, training, 0, None, lambda row: None)
    unseen = autoregressive(10**6, 400)
    samples_SBH = forecaster.forecast(unseen).samples_SBH.numpy()
    steps = np.arange(1, HORIZON + 1)
    expected_BH = unseen.context_BT[:, -1:] * KEPT**steps
    slopes = [np.polyfit(expected_BH[:, h], samples_SBH.mean(axis=0)[:, h], 1)[0] for h in range(HORIZON)]
    np.testing.assert_allclose(slopes, 1, atol=0.05)
    variances = samples_SBH.var(axis=0).mean(axis=0)
    np.testing.assert_allclose(variances, 1 - KEPT ** (2 * steps), rtol=0.05)
