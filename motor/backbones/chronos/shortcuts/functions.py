"""Functions of a training step on a CPU, each with its gradient written out: fewer passes over memory, and fewer draws.

Shapes: B windows, L tokens, D embedding, N heads, K width of a head.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

DRAWS = 1 << 16  # values that a draw of 16 bits has


def keep_noise(like: Tensor, rate: float) -> Tensor:
    """Draw what dropout multiplies with: 0 with probability `rate`, else `kept_value`, in the shape of `like`."""
    n_values = like.numel()
    drawn = torch.empty((n_values + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
    kept = drawn.view(torch.int16)[:n_values] >= round(rate * DRAWS) - DRAWS // 2
    value = kept_value(rate, like.dtype)
    if like.dtype is torch.bfloat16:  # by the number's bits: a cast from bool costs more than all the rest
        bits = kept.view(torch.int8).to(torch.int16).mul_(int(value.view(torch.int16)))
        return bits.view(torch.bfloat16).view(like.shape)
    return kept.to(like.dtype).mul_(value).view(like.shape)


def kept_value(rate: float, dtype: torch.dtype) -> Tensor:
    """Return 1 / (1 - rate), rounded to a dtype: what is kept is multiplied with it, forward and backward."""
    return torch.tensor(1 / (1 - rate), dtype=dtype)


def dropout(x: Tensor, rate: float) -> Tensor:
    """Return torch's dropout in training, from cheaper draws."""
    return x * keep_noise(x, rate) if rate else x


class ReluDropout(torch.autograd.Function):
    """Dropout of a rectified tensor; nothing but the result is kept for the gradient."""

    @staticmethod
    def forward(context: Any, x: Tensor, rate: float) -> Tensor:
        """Return ``dropout(relu(x))``."""
        y = x.relu()
        if rate:
            y *= keep_noise(y, rate)
        context.save_for_backward(y)
        context.rate = rate
        return y

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of x: what is 0 in the result was dropped or not positive."""
        (y,) = context.saved_tensors
        return torch.ops.aten.threshold_backward(gradient, y, 0).mul_(kept_value(context.rate, y.dtype)), None


class RootMeanSquareNorm(torch.autograd.Function):
    """Root mean square norm (Zhang and Sennrich 2019) in float32."""

    @staticmethod
    def forward(context: Any, x_BLD: Tensor, weight_D: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
        """Return ``x / sqrt(mean(x^2) + epsilon) * weight`` in `dtype`."""
        with torch.autocast("cpu", enabled=False):
            wide_BLD = x_BLD.float()
            inverse_BL1 = wide_BLD.square().mean(-1, keepdim=True).add_(epsilon).rsqrt_()
            context.save_for_backward(x_BLD, weight_D, inverse_BL1)
            return (wide_BLD * inverse_BL1).mul_(weight_D).to(dtype)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x and of the weight."""
        x_BLD, weight_D, inverse_BL1 = context.saved_tensors
        gradient_BLD = gradient.float()
        normed_BLD = x_BLD.float() * inverse_BL1
        weight_gradient_D = (gradient_BLD * normed_BLD).flatten(0, -2).sum(0)
        inner_BLD = gradient_BLD * weight_D
        along_BL1 = (inner_BLD * normed_BLD).mean(-1, keepdim=True)
        x_gradient_BLD = inner_BLD.sub_(normed_BLD.mul_(along_BL1)).mul_(inverse_BL1)
        return x_gradient_BLD.to(x_BLD.dtype), weight_gradient_D, None, None


class Attention(torch.autograd.Function):
    """Unscaled attention with dropout; scores and softmax in float32, the other products in the queries' dtype."""

    @staticmethod
    def forward(
        context: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, mask: Tensor | None, rate: float
    ) -> Tensor:
        """Return ``dropout(softmax(q k^T + bias + mask)) v``, shape (B, N, L, K); `mask` gets no gradient."""
        with torch.autocast("cpu", enabled=False):
            scores = q.float() @ k.float().transpose(2, 3)
            for added in (bias, mask):
                if added is not None:
                    scores += added
            weights = torch.softmax(scores, dim=-1).to(q.dtype)
            noise = keep_noise(weights, rate) if rate else None
            dropped = weights if noise is None else weights * noise
            context.save_for_backward(q, k, v, weights, noise)
            context.has_bias = bias is not None
            return dropped @ v

    @staticmethod
    @once_differentiable
    def backward(context: Any, seen_gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of queries, keys, values and bias."""
        q, k, v, weights, noise = context.saved_tensors
        with torch.autocast("cpu", enabled=False):
            gradient = seen_gradient @ v.transpose(2, 3)
            dropped = weights
            if noise is not None:
                gradient *= noise
                dropped = weights * noise
            scores_gradient = torch._softmax_backward_data(gradient, weights, -1, weights.dtype)
            bias_gradient = scores_gradient.sum(0, keepdim=True, dtype=torch.float32) if context.has_bias else None
            q_gradient, k_gradient = scores_gradient @ k, scores_gradient.transpose(2, 3) @ q
            return q_gradient, k_gradient, dropped.transpose(2, 3) @ seen_gradient, bias_gradient, None, None
