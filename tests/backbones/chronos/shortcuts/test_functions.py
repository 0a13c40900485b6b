"""Functions with gradients of their own, beside torch's."""

import pytest
import torch

from motor.backbones.chronos.shortcuts.functions import Attention, ReluDropout, RootMeanSquareNorm, keep_noise


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_keep_noise_drops_the_rate_and_keeps_the_mean(rate, dtype):
    torch.manual_seed(0)
    noise = keep_noise(torch.empty(3, 333_333, dtype=dtype), rate)
    kept = torch.tensor(1 / (1 - rate), dtype=dtype)
    assert set(noise.unique().tolist()) == {0.0, kept.item()}
    assert (noise == 0).double().mean().item() == pytest.approx(rate, abs=0.002)


def test_keep_noise_of_neighbours_is_independent():
    torch.manual_seed(0)
    dropped = (keep_noise(torch.empty(1_000_000), 0.1) == 0).double() - 0.1
    for lag in (1, 2, 3, 4, 8):
        assert abs((dropped[lag:] * dropped[:-lag]).mean() / 0.09) < 0.004


def test_relu_dropout_gradient_is_that_of_what_was_kept():
    torch.manual_seed(0)
    x = torch.randn(50, 40, requires_grad=True)
    y = ReluDropout.apply(x, 0.25)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(y != 0, gradient != 0)
    torch.testing.assert_close(y, x.relu() * gradient)


def test_root_mean_square_norm_gradient_agrees_with_differences():
    x = torch.randn(4, 5, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, dtype=torch.float64, requires_grad=True)
    y = RootMeanSquareNorm.apply(x, weight, 1e-6, torch.float32)
    expected = weight * x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
    torch.testing.assert_close(y, expected.float())
    ours = torch.autograd.grad(y.square().sum(), (x, weight))
    theirs = torch.autograd.grad(expected.square().sum(), (x, weight))
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own.double(), other, rtol=1e-4, atol=1e-5)


def test_attention_gradients_agree_with_torch():
    torch.manual_seed(0)
    q, k, v = (torch.randn(3, 2, 7, 4, requires_grad=True) for _ in range(3))
    bias = torch.randn(1, 2, 7, 7, requires_grad=True)
    ours = Attention.apply(q, k, v, bias, None, 0.0)
    mask = bias.expand(3, 2, 7, 7)
    theirs = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)
    for own, other in zip(
        torch.autograd.grad((ours * weights).sum(), (q, k, v, bias)),
        torch.autograd.grad((theirs * weights).sum(), (q, k, v, bias)),
        strict=True,
    ):
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)
