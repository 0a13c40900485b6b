"""The optimizer of a training, and its learning rate from step to step."""

from typing import TYPE_CHECKING

from motor.backbones.training.settings import Training
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def learning_rate_at(step: int, settings: Training) -> float:
    """Return the rate of step `step` (from 0): a linear rise, then a linear fall that would reach 0 at `num_steps`."""
    warmup = round(settings.warmup_ratio * settings.num_steps)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    return settings.learning_rate * (settings.num_steps - step) / (settings.num_steps - warmup)


def optimizer_of(weights: "list[Tensor]", settings: Training) -> "torch.optim.Optimizer":
    """Return AdamW over some weights; `fused` is fixed because the other implementations give other bits."""
    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
