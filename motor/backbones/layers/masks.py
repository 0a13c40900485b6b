"""Dropout that stays on when a forecaster answers, by a few masks that all windows share, and what they say together.

Gal and Ghahramani 2016, "Dropout as a Bayesian approximation", ICML: each mask is a draw of the weights, and the answer
is the mixture of theirs. Masks follow from their number and the layer's name alone, and what a layer drops is the same
in every row and at every place of a sequence (Gal and Ghahramani 2016, "A theoretically grounded application of dropout
in recurrent neural networks", NeurIPS), so that a window's answer depends on neither its batch nor its place in it.

Shapes: S masks, B windows, H horizon, Q quantiles.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import Dropout, Module

from motor.backbones.forecast import Forecast


@contextmanager
def masked(model: Module, number: int) -> Iterator[None]:
    """Let every dropout layer of a model drop what mask `number` drops, at the layer's own rate."""
    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, Dropout) and layer.p]
    hooks = [layer.register_forward_hook(_mask(f"{number} {name}")) for name, layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _mask(name: str) -> Any:
    """Return a hook that drops the same numbers of each vector, whichever its row and its place in the sequence."""

    def dropped(layer: Dropout, inputs: tuple[Tensor, ...], _: Tensor) -> Tensor:
        (values,) = inputs
        generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        kept = torch.rand(values.shape[-1], generator=generator) >= layer.p
        return values * (kept.to(values.device) / (1 - layer.p))

    return dropped


def mixture(said: Sequence[Forecast], levels: tuple[float, ...]) -> Forecast:
    """Return what forecasts of the same windows say together, each as likely as the others.

    Quantiles are those of the mixture, also of each branch; samples stand one after the other; tokens, regimes and
    gates are means.
    """
    parts: dict[str, Any] = {"quantiles_BHQ": mixed([one.quantiles_BHQ for one in said], levels)}
    for name in ("tokens_BLD", "regimes_BLK", "gate_BN"):
        if getattr(said[0], name) is not None:
            parts[name] = torch.stack([getattr(one, name) for one in said]).mean(dim=0)
    if said[0].samples_SBH is not None:
        parts["samples_SBH"] = torch.cat([one.samples_SBH for one in said if one.samples_SBH is not None])
    if said[0].branches is not None:
        of_branches = [one.branches or {} for one in said]
        parts["branches"] = {name: mixed([one[name] for one in of_branches], levels) for name in of_branches[0]}
    return said[0]._replace(**parts)


def mixed(quantiles: Sequence[Tensor], levels: tuple[float, ...]) -> Tensor:
    """Return the quantiles of a mixture of distributions that are known by their quantiles at some levels.

    Each quantile stands for the probability that is nearer to its level than to others; between, the mixture is
    interpolated. Of distributions that are one it is that one.

    Parameters
    ----------
    quantiles : sequence of Tensor of shape (n_windows, prediction_length, n_levels)
    levels : tuple of float
        Rising.
    """
    level_Q = torch.tensor(levels, dtype=torch.float32, device=quantiles[0].device)
    edges = torch.cat([level_Q.new_zeros(1), (level_Q[1:] + level_Q[:-1]) / 2, level_Q.new_ones(1)])
    share_N = (edges.diff() / len(quantiles)).repeat(len(quantiles))
    value_BHN, order_BHN = torch.cat([one.float().sort(dim=-1).values for one in quantiles], dim=-1).sort(dim=-1)
    share_BHN = share_N[order_BHN]
    place_BHN = share_BHN.cumsum(dim=-1) - share_BHN / 2
    level_BHQ = level_Q.expand(*place_BHN.shape[:2], -1).contiguous()
    above_BHQ = torch.searchsorted(place_BHN, level_BHQ).clamp(1, max(1, place_BHN.shape[-1] - 1))
    (low, high), (before, after) = (
        [of.gather(-1, at) for at in (above_BHQ - 1, above_BHQ)] for of in (place_BHN, value_BHN)
    )
    return torch.lerp(before, after, ((level_BHQ - low) / (high - low)).clamp(0, 1))
