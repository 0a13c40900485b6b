"""Nodes that tell one another of their patches.

Shapes: B windows, T context, H horizon, Q quantiles, L patches of the context, P samples of a patch, F patches of the
horizon, D width, N domains.
"""

import torch
from torch import Tensor
from torch.nn import Linear, Module, Parameter

from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.forecast import Forecast
from motor.backbones.layers.gated import GatedResidual
from motor.backbones.layers.patches import known_at, n_known, n_patches, patches
from motor.backbones.layers.recurrent import Reader
from motor.backbones.torch_forecaster import Geometry

SELF = 2.0  # first logit of a node's listening to itself over that to another


class Adjacency(Module):
    """How much each window listens to those of its moment: rows that add up to 1."""

    def __init__(self, n_domains: int, width: int, dynamic_share: float) -> None:
        super().__init__()
        self.dynamic_share = dynamic_share
        if dynamic_share < 1:
            self.static_NN = Parameter(SELF * torch.eye(n_domains))
        if dynamic_share > 0:
            self.query, self.key = Linear(width, width), Linear(width, width)

    def forward(self, heard_BD: Tensor, domain_B: Tensor, apart_BB: Tensor) -> Tensor:
        share, parts = self.dynamic_share, []
        if share < 1:
            static_BB = self.static_NN[domain_B][:, domain_B]
            parts.append((1 - share) * static_BB.masked_fill(apart_BB, -torch.inf).softmax(dim=-1))
        if share > 0:
            score_BB = self.query(heard_BD) @ self.key(heard_BD).T / heard_BD.shape[-1] ** 0.5
            parts.append(share * score_BB.masked_fill(apart_BB, -torch.inf).softmax(dim=-1))
        return torch.stack(parts).sum(dim=0)


class Network(Module):
    """From normalised contexts to quantiles, through those of the same moment."""

    def __init__(self, geometry: Geometry, patch: int, width: int, dynamic_share: float) -> None:
        super().__init__()
        self.patch, self.geometry = patch, geometry
        self.n_future = n_patches(geometry.prediction_length, patch)
        self.n_last = min(self.n_future + 1, n_patches(geometry.context_length, patch))
        self.is_told = len(geometry.domains) >= 2
        self.inputs, self.reader = Linear(patch + n_known(geometry.domains), width), Reader(width)
        self.adjacency = Adjacency(len(geometry.domains) if self.is_told else 1, width, dynamic_share)
        self.value = Linear(width, width)
        self.future = Linear((2 * self.n_last + 1) * width, width)
        self.each = GatedResidual(width)
        self.head = Linear(width, self.n_future * patch * len(geometry.quantile_levels))

    def blocks(self) -> Blocks:
        """Return the recurrent layer as the one block of its encoder."""
        return Blocks(inputs=[self.inputs], encoder=[self.reader], head=[self.head])

    def forward(self, batch: Batch) -> Forecast:
        """Return quantiles and the tokens of the context."""
        tokens_BLD, told_BLD, read_BLD = self._heard(batch)
        last = [part[:, -self.n_last :].flatten(1) for part in (self._filled(tokens_BLD), self._filled(told_BLD))]
        steps_BD = self.each(self.future(torch.cat([*last, read_BLD[:, -1]], dim=1)))
        n_levels = len(self.geometry.quantile_levels)
        quantiles_BHQ = self.head(steps_BD).unflatten(-1, (-1, n_levels))[:, : self.geometry.prediction_length]
        return Forecast(quantiles_BHQ, tokens_BLD=read_BLD)

    def encode(self, batch: Batch) -> Tensor:
        """Return what was read of each patch and of those of its moment: (B, L, D)."""
        return self._heard(batch)[2]

    def _heard(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return each window's own tokens, what its moment gave it of theirs, and both as they were read."""
        cut_BLP = patches(batch.context_BT, self.patch)
        static_BLV = known_at(batch, self.geometry.domains, cut_BLP.shape[1])
        tokens_BLD = self.inputs(torch.cat([cut_BLP, static_BLV], dim=-1))
        domain_B = batch.domain_B if self.is_told else torch.zeros_like(batch.domain_B)
        group_B = torch.arange(len(domain_B), device=domain_B.device) if batch.group_B is None else batch.group_B
        weight_BB = self.adjacency(tokens_BLD.mean(dim=1), domain_B, group_B[:, None] != group_B)
        told_BLD = torch.einsum("bc,cld->bld", weight_BB, self.value(tokens_BLD))
        return tokens_BLD, told_BLD, self.reader(tokens_BLD + told_BLD)

    def _filled(self, tokens_BLD: Tensor) -> Tensor:
        """Return tokens with zeros before them where a context is shorter than what the head sees."""
        return torch.nn.functional.pad(tokens_BLD, (0, 0, max(0, self.n_last - tokens_BLD.shape[1]), 0))
