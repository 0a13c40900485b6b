"""Masks of dropout that all windows share, and the mixture of what they say."""

import numpy as np
import pytest
import torch

from motor.backbones.forecast import Forecast
from motor.backbones.layers.masks import masked, mixed, mixture

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@pytest.fixture
def layers():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 200), torch.nn.Dropout(0.3), torch.nn.Linear(200, 1)).eval()


def test_mask_drops_the_same_of_every_row_and_nothing_afterwards(layers):
    rows = torch.ones(5, 4)
    plain = layers(rows)
    with masked(layers, 0):
        first = layers(rows)
    with masked(layers, 1):
        second = layers(rows)
    torch.testing.assert_close(first, first[:1].expand(5, 1), atol=1e-6, rtol=0)
    assert not torch.allclose(first, second)
    assert torch.equal(layers(rows), plain)


def test_masks_agree_with_the_whole_network_in_the_mean(layers):
    rows, answers = torch.randn(3, 4), []
    for number in range(400):
        with masked(layers, number):
            answers.append(layers(rows))
    torch.testing.assert_close(torch.stack(answers).mean(dim=0), layers(rows), atol=0.05, rtol=0)


@pytest.mark.parametrize("n_masks", [2, 5, 20])
@pytest.mark.parametrize("levels", [LEVELS, (0.1, 0.5, 0.9), (0.5,)])
def test_mixture_of_one_distribution_is_that_distribution(n_masks, levels):
    quantiles = torch.randn(3, 7, len(levels)).sort(dim=-1).values
    torch.testing.assert_close(mixed([quantiles] * n_masks, levels), quantiles)


def test_mixture_has_the_quantiles_of_its_parts_together():
    levels = tuple(np.arange(1, 40) / 40)
    generator = np.random.default_rng(0)
    parts = [(-2.0, 0.5), (0.0, 1.0), (3.0, 2.0)]
    normal_Q = torch.distributions.Normal(0, 1).icdf(torch.tensor(levels))
    quantiles = [(mean + deviation * normal_Q)[None, None] for mean, deviation in parts]
    drawn = np.concatenate([generator.normal(*part, 200_000) for part in parts])
    found = mixed(quantiles, levels)[0, 0].numpy()
    np.testing.assert_allclose(found[1:-1], np.quantile(drawn, levels)[1:-1], atol=0.1)


def test_mixture_keeps_what_a_forecast_says_beside_quantiles():
    said = []
    for number in range(2):
        torch.manual_seed(number)
        gate, samples = torch.rand(4, 2).softmax(dim=-1), torch.randn(6, 4, 3)
        quantiles = torch.randn(4, 3, len(LEVELS)).sort(dim=-1).values
        said.append(Forecast(quantiles, samples_SBH=samples, gate_BN=gate, branches={"a": quantiles, "b": -quantiles}))
    found = mixture(said, LEVELS)
    assert found.samples_SBH.shape == (12, 4, 3)
    torch.testing.assert_close(found.gate_BN, (said[0].gate_BN + said[1].gate_BN) / 2)
    torch.testing.assert_close(found.branches["a"], found.quantiles_BHQ)
    assert found.regimes_BLK is None
