"""Regimes of the state space model: exact given the states, and those that were planted."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score

from motor.backbones.batch import Batch
from motor.backbones.training import Training, train
from motor.backbones.vssm import PLUGIN as Vssm
from motor.backbones.vssm.network import Regimes

CONTEXT, HORIZON, PATCH = 256, 16, 16


def test_filtered_regimes_are_those_of_all_paths_summed():
    torch.manual_seed(0)
    regimes = Regimes(n_states=2, n_regimes=2)
    with torch.no_grad():
        regimes.move_KZZ += 0.3 * torch.randn(2, 2, 2)
    states = torch.randn(1, 3, 2)
    posterior, log_density = regimes.filtered(states)
    weights = np.zeros(2)
    for path in itertools.product(range(2), repeat=3):
        weights[path[-1]] += _density(regimes, states[0].numpy(), path)
    np.testing.assert_allclose(posterior[0, -1].detach(), weights / weights.sum(), rtol=1e-4)
    np.testing.assert_allclose(log_density.sum().item(), np.log(weights.sum()), rtol=1e-4)


def _density(regimes, states, path):
    """Density of states and one path of regimes, in NumPy."""
    tensors = ("stay_KK", "rest_KZ", "move_KZZ", "log_scale_KZ")
    stay, rest, move, scale = (getattr(regimes, name).detach().double().numpy() for name in tensors)
    chain, density = np.exp(stay) / np.exp(stay).sum(axis=1, keepdims=True), 0.5
    for place, regime in enumerate(path):
        if place:
            density *= chain[path[place - 1], regime]
        moved = rest[regime] + (states[place - 1] - rest[regime]) @ move[regime] if place else rest[regime]
        miss = (states[place] - moved) / np.exp(scale[regime])
        density *= np.prod(np.exp(-0.5 * miss**2) / np.sqrt(2 * np.pi) / np.exp(scale[regime]))
    return density


def test_embedding_has_the_regimes_beside_the_states():
    forecaster = Vssm(patch=PATCH, n_states=8, n_regimes=3).create(CONTEXT, HORIZON, (0.1, 0.5, 0.9), 0.0, ("one",), 0)
    batch, _ = switching(0, 4)
    embedded_BLD, said = forecaster.embed(batch), forecaster.forecast(batch)
    assert torch.equal(embedded_BLD[..., :8], said.tokens_BLD[..., :8])
    torch.testing.assert_close(embedded_BLD[..., 8:].exp() - 1e-3, said.regimes_BLK, atol=1e-6, rtol=0)


def switching(seed: int, n_windows: int) -> tuple[Batch, np.ndarray]:
    """Windows of a motor that switches, now and then, between a slow and a fast oscillation, and which it is in."""
    generator = np.random.default_rng(seed)
    n_patches = (CONTEXT + HORIZON) // PATCH
    switches = generator.random((n_windows, n_patches)) < 0.15
    state_BL = (switches.cumsum(axis=1) + generator.integers(2, size=(n_windows, 1))) % 2
    rate_BN = np.where(state_BL.repeat(PATCH, axis=1) == 0, 0.3, 1.4)
    phase_BN = rate_BN.cumsum(axis=1) + generator.uniform(0, 6.28, (n_windows, 1))
    window_BN = np.sin(phase_BN) + 0.2 * generator.standard_normal(phase_BN.shape)
    window_BN = window_BN.astype(np.float32)
    batch = Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.zeros(n_windows, np.int64))
    return batch, state_BL[:, : CONTEXT // PATCH]


@pytest.mark.slow
def test_planted_states_that_switch_are_found_on_windows_that_no_training_saw():
    settings = Vssm(patch=PATCH, width=32, n_states=8, n_regimes=2, elbo_weight=1.0, free_nats=1.0)
    forecaster = settings.create(CONTEXT, HORIZON, (0.1, 0.5, 0.9), 0.0, ("one",), 0)
    training = Training(num_steps=250, learning_rate=5e-3, dropout_rate=0.0, precision="float32")
    train(
        forecaster,
        lambda first: (switching(step, 32)[0] for step in range(first, 250)),
        None,
        training,
        0,
        None,
        lambda row: None,
    )
    unseen, states_BL = switching(10**6, 32)
    found_BL = forecaster.forecast(unseen).regimes_BLK.argmax(dim=-1).numpy()
    assert adjusted_rand_score(states_BL.ravel(), found_BL.ravel()) >= 0.9
