"""The shortened training step beside the stock one."""

import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.chronos.shortcuts import shortened
from motor.registry import plugins

SIZES = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}


def create(kind, dropout_rate=0.0, domains=(), **fields):
    backbone = plugins("motor.backbones")[kind](**SIZES, **fields)
    return backbone.create(128, 32, (0.1, 0.5, 0.9), dropout_rate, domains, seed=0)


def windows(missing=False):
    generator = torch.Generator().manual_seed(1)
    context_BT, future_BH = torch.randn(70, 128, generator=generator), torch.randn(70, 32, generator=generator)
    if missing:  # two whole patches of some windows, and single samples of others
        context_BT[:20, :32] = torch.nan
        context_BT[30:40, 5::16] = torch.nan
    return context_BT, future_BH, torch.arange(70) % 2


def step(forecaster, batch, seed=0):
    """Return the loss and every gradient of one step."""
    forecaster.model.train()
    forecaster.model.zero_grad()
    torch.manual_seed(seed)
    loss = forecaster.loss(Batch(*batch))
    loss.backward()
    return loss.item(), {name: weight.grad for name, weight in forecaster.model.named_parameters()}


@torch.no_grad()
def losses(forecaster):
    """Return the losses of one batch under 60 draws of dropout."""
    batch = [part[:12] for part in windows()]
    forecaster.model.train()
    return torch.tensor([forecaster.loss(Batch(*batch)) for _ in range(60)])


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("domains", [(), ("sound", "vibration")])
@pytest.mark.parametrize("kind", ["bolt", "chronos2"])
def test_shortened_without_dropout_has_the_stock_loss_and_gradients(kind, domains, missing):
    forecaster = create(kind, domains=domains)
    loss, gradients = step(forecaster, windows(missing))
    with shortened(forecaster.model, alone=not domains):
        short_loss, short_gradients = step(forecaster, windows(missing))
    assert short_loss == pytest.approx(loss, rel=1e-5)
    for name, gradient in gradients.items():
        if short_gradients[name] is None:  # group attention over one row: nothing to choose from
            assert name.endswith(("layer.1.self_attention.q.weight", "layer.1.self_attention.k.weight"))
            assert not domains
            assert gradient.abs().max() < 1e-6
        else:
            torch.testing.assert_close(short_gradients[name], gradient, rtol=1e-4, atol=1e-5 * gradient.abs().max())


@pytest.mark.parametrize("kind", ["bolt", "chronos2"])
def test_shortened_in_bfloat16_is_no_further_from_float32_than_stock(kind):
    forecaster = create(kind)
    exact, _ = step(forecaster, windows())
    losses = {}
    for name, alone in (("stock", False), ("short", True)):
        with torch.autocast("cpu", torch.bfloat16):
            if name == "stock":
                losses[name] = step(forecaster, windows())[0]
                continue
            with shortened(forecaster.model, alone):
                losses[name] = step(forecaster, windows())[0]
    assert abs(losses["short"] - exact) <= max(2 * abs(losses["stock"] - exact), 1e-3 * exact)


@pytest.mark.parametrize("kind", ["bolt", "chronos2"])
def test_shortened_with_dropout_depends_on_the_seed_alone(kind):
    forecaster = create(kind, dropout_rate=0.2)
    with shortened(forecaster.model, alone=True):
        first, again, other = (step(forecaster, windows(), seed)[0] for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("kind", ["bolt", "chronos2"])
def test_shortened_with_dropout_has_the_stock_distribution(kind):
    """Mean and spread of the loss over draws, against the stock dropout's."""
    torch.manual_seed(0)
    forecaster = create(kind, dropout_rate=0.3)
    stock = losses(forecaster)
    with shortened(forecaster.model, alone=True):
        short = losses(forecaster)
    standard_error = (stock.var() / len(stock) + short.var() / len(short)).sqrt()
    assert abs(stock.mean() - short.mean()) < 4 * standard_error
    assert 0.6 < short.std() / stock.std() < 1.6


def test_shortened_when_left_gives_the_stock_layers_back():
    forecaster = create("chronos2")
    with shortened(forecaster.model, alone=True):
        assert any("forward" in vars(module) for module in forecaster.model.modules())
    assert not any("forward" in vars(module) for module in forecaster.model.modules())


def test_shortened_with_frozen_parts_trains_the_rest():
    forecaster = create("bolt", dropout_rate=0.1)
    forecaster.train_only_last(1)
    with shortened(forecaster.model, alone=True):
        _, gradients = step(forecaster, windows())
    named = dict(forecaster.model.named_parameters())
    assert {name for name, gradient in gradients.items() if gradient is not None} == {
        name for name, weight in named.items() if weight.requires_grad
    }
