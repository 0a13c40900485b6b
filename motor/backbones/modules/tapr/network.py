"""The network of the trend-aware patch router.

Shapes: B windows, T context, H horizon, L tokens, M tokens of a coarser scale, D width of a token, W width of its
layers, C classes.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import Conv1d, Linear, ModuleList, MultiheadAttention, Parameter
from torch.nn.functional import avg_pool1d, cross_entropy, gelu, kl_div, pad

from motor.backbones.batch import Batch
from motor.backbones.layers.patches import patches
from motor.backbones.modules.attached.part import Change, Part, Seen, Site, layers, zero
from motor.backbones.modules.tapr.settings import FACTOR, Tapr
from motor.backbones.torch_forecaster import normalised_batch

if TYPE_CHECKING:
    from motor.backbones.training.trainer import TrainingData

OWN_PATCH = 16  # samples, where the forecaster shows no tokens
N_HEADS = 4
LEARNED_WINDOWS = 8  # a series, that the classes' thresholds are fitted on
TERCILES, QUARTILES = (1 / 3, 2 / 3), (0.25, 0.5, 0.75)
# What a direction says of the size: how far a third and a quarter of the training windows overlap.
EXPECTED = ((0.75, 0.25, 0.0, 0.0), (0.0, 0.5, 0.5, 0.0), (0.0, 0.0, 0.25, 0.75))
LEAST = 1e-6  # of a probability, whose logarithm is taken


class Scales(torch.nn.Module):
    """Tokens at several scales, parted into trend and season; finer ones look at the coarser one beside them."""

    def __init__(self, n_in: int, width: int, n_scales: int, kernel: int) -> None:
        super().__init__()
        self.n_scales, self.kernel = n_scales, kernel
        self.inputs = ModuleList(Conv1d(n_in, width, 3, padding=1, padding_mode="replicate") for _ in range(n_scales))
        self.attention = ModuleList(MultiheadAttention(width, N_HEADS, batch_first=True) for _ in range(n_scales - 1))
        self.weight = Parameter(torch.zeros(n_scales))
        self.out = zero(Linear(n_scales * 2 * width, n_in))

    def forward(self, tokens_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is added to the tokens, (B, L, D), and the means of all scales and of their trends: (B, W)."""
        n_tokens = tokens_BLD.shape[1]
        pooled = [pooled_from_newest(tokens_BLD.transpose(1, 2), FACTOR**i) for i in range(self.n_scales)]
        found = [gelu(layer(one)).transpose(1, 2) for layer, one in zip(self.inputs, pooled, strict=True)]
        for place in reversed(range(self.n_scales - 1)):
            coarse_BMW = found[place + 1]
            found[place] = found[place] + self.attention[place](found[place], coarse_BMW, coarse_BMW)[0]
        share = self.weight.softmax(dim=0)
        trends = [self._trend(one_BLW) for one_BLW in found]
        parts = [torch.cat([trend, one - trend], dim=-1) for one, trend in zip(found, trends, strict=True)]
        fine = [share[i] * part.repeat_interleave(FACTOR**i, dim=1)[:, -n_tokens:] for i, part in enumerate(parts)]
        mean_BW, trend_BW = (torch.stack([one.mean(dim=1) for one in many], dim=-1) @ share for many in (found, trends))
        return self.out(torch.cat(fine, dim=-1)), mean_BW, trend_BW

    def _trend(self, values_BLW: Tensor) -> Tensor:
        """Return the moving mean, its ends filled up with the first and the last value."""
        n_tokens = values_BLW.shape[1]
        kernel = min(self.kernel, n_tokens) // 2 * 2 + 1 if n_tokens > 1 else 1
        half = kernel // 2
        ends = pad(values_BLW.transpose(1, 2), (half, half), mode="replicate")
        return avg_pool1d(ends, kernel, stride=1).transpose(1, 2)


def pooled_from_newest(tokens_BDL: Tensor, factor: int) -> Tensor:
    """Return means of so many tokens, counted from the newest; the oldest mean is of those that are left: (B, D, M)."""
    n_tokens = tokens_BDL.shape[-1]
    missing = -n_tokens % factor
    sums_BDM = pad(tokens_BDL, (missing, 0)).unflatten(-1, (-1, factor)).sum(dim=-1)
    counts_M = tokens_BDL.new_full((sums_BDM.shape[-1],), factor)
    counts_M[0] -= missing
    return sums_BDM / counts_M


class Router(Part):
    """Scales at the tokens, and at the forecast direction, size, and values given both."""

    direction_edges: Tensor
    size_edges: Tensor
    expected_CC: Tensor

    def __init__(self, settings: Tapr, site: Site) -> None:
        super().__init__()
        self.weight_of_losses = settings.lambda_trend
        width, self.horizon = settings.width, site.prediction_length
        self.own = Linear(OWN_PATCH, width) if site.width is None else None
        self.scales = Scales(site.width or width, width, settings.n_scales, settings.kernel)
        self.direction = Linear(2 * width, len(TERCILES) + 1)
        self.size = Linear(2 * width + len(TERCILES) + 1, len(QUARTILES) + 1)
        self.values = layers(2 * width + len(TERCILES) + 1 + len(QUARTILES) + 1, 2 * width, self.horizon)
        self.register_buffer("direction_edges", torch.zeros(len(TERCILES)))
        self.register_buffer("size_edges", torch.zeros(len(QUARTILES)))
        self.register_buffer("expected_CC", torch.tensor(EXPECTED), persistent=False)

    def learn(self, data: "TrainingData") -> None:
        """Fit the thresholds of the classes: thirds of the training windows by direction, quarters by size."""
        rows = [rises(normalised_batch(batch.tensors())[0], self.horizon) for batch in data.even(LEARNED_WINDOWS)]
        known = np.concatenate([rise_B.double().numpy() for rise_B in rows])
        known = known[np.isfinite(known)]
        for edges, levels in ((self.direction_edges, TERCILES), (self.size_edges, QUARTILES)):
            edges.copy_(torch.as_tensor(np.quantile(known, levels)))

    def tokens(self, tokens_BLD: Tensor, seen: Seen) -> Tensor:
        by_BLD, mean_BW, trend_BW = self.scales(tokens_BLD)
        seen.notes["tapr"] = torch.cat([mean_BW, trend_BW], dim=-1)
        return tokens_BLD + by_BLD

    def change(self, quantiles_BHQ: Tensor, seen: Seen) -> Change:
        if self.own is not None:
            self.tokens(self.own(patches(seen.normal.context_BT, OWN_PATCH)), seen)
        seen_BW = seen.notes["tapr"]
        direction_BC = self.direction(seen_BW)
        size_BC = self.size(torch.cat([seen_BW, direction_BC.softmax(dim=-1)], dim=-1))
        said = [seen_BW, direction_BC.softmax(dim=-1), size_BC.softmax(dim=-1)]
        by_BH = self.values(torch.cat(said, dim=-1))[:, : quantiles_BHQ.shape[1]]
        losses = {} if seen.normal.future_BH is None else self._losses(direction_BC, size_BC, seen)
        return Change(by_BH[..., None].expand_as(quantiles_BHQ), losses)

    def _losses(self, direction_BC: Tensor, size_BC: Tensor, seen: Seen) -> dict[str, Tensor]:
        """Return cross-entropies and the Kullback-Leibler divergence of the sizes from what the directions expect."""
        if not self.weight_of_losses:
            return {}
        rise_B = rises(seen.normal, self.horizon)
        known_B = rise_B.isfinite()
        losses = {}
        for name, logits_BC, edges in (
            ("direction", direction_BC, self.direction_edges),
            ("size", size_BC, self.size_edges),
        ):
            class_B = torch.bucketize(rise_B.nan_to_num(), edges)
            losses[name] = cross_entropy(logits_BC.float(), class_B, reduction="none").where(known_B, 0.0).mean()
        expected_BC = direction_BC.float().softmax(dim=-1) @ self.expected_CC
        log_B = expected_BC.clamp_min(LEAST).log()
        losses["agreement"] = kl_div(log_B, size_BC.float().softmax(dim=-1), reduction="none").sum(dim=-1).mean()
        return {f"tapr_{name}": self.weight_of_losses * value for name, value in losses.items()}


def rises(normal: Batch, horizon: int) -> Tensor:
    """Return how far the mean of the future is above the mean of as many samples before it: (B,), NaN where unknown.

    Parameters
    ----------
    normal : Batch
        Windows at their own mean and deviation.
    horizon : int
        Samples of the future.
    """
    context_BT, future_BH = normal.context_BT, normal.future_BH
    return future_BH.nanmean(dim=1) - context_BT[:, -horizon:].mean(dim=1)
