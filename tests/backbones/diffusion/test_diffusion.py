"""The way back from noise: schedules, futures that depend on their window alone, and a process that is known."""

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.diffusion import PLUGIN as Diffusion
from motor.backbones.diffusion.network import signal_shares
from motor.backbones.training import Training, train

CONTEXT, HORIZON, LEVELS, KEPT = 256, 4, (0.1, 0.5, 0.9), 0.8


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("n_levels", [50, 100, 1000])
def test_signal_falls_from_almost_all_to_almost_nothing(schedule, n_levels):
    shares = signal_shares(schedule, n_levels)
    assert (shares.diff() <= 0).all()
    assert shares[0] > 0.99
    assert shares[-1] < 1e-3


def test_way_back_of_a_perfect_denoiser_ends_at_the_future(monkeypatch):
    model = Diffusion(n_samples=4).create(16, HORIZON, LEVELS, 0.0, ("one",), 0).model
    clean_H = torch.tensor([1.0, -2.0, 0.5, 3.0])

    def velocity(noisy_RH, level_R, given_RD):
        share_R1 = model.shares_N[level_R][:, None]
        noise_RH = (noisy_RH - share_R1.sqrt() * clean_H) / (1 - share_R1).sqrt()
        return share_R1.sqrt() * noise_RH - (1 - share_R1).sqrt() * clean_H

    monkeypatch.setattr(model, "_velocity", velocity)
    drawn_SBH = model._drawn(torch.zeros(2, 128))
    torch.testing.assert_close(drawn_SBH, clean_H.expand(4, 2, HORIZON), atol=1e-3, rtol=0)


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
    noise = generator.standard_normal((n_windows, context + HORIZON)) * np.sqrt(1 - KEPT**2)
    window_BN = np.empty_like(noise)
    window_BN[:, 0] = generator.standard_normal(n_windows)
    for place in range(1, noise.shape[1]):
        window_BN[:, place] = KEPT * window_BN[:, place - 1] + noise[:, place]
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
