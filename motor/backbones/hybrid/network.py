"""Branches, and a gate that weighs their forecasts.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D embedding, K regimes, N branches, V values that the
gate sees.
"""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Linear, Module, ModuleDict, ParameterDict, SiLU

from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.forecast import Forecast
from motor.backbones.layers.patches import known, patches, shapes
from motor.backbones.objectives.quantile import pinball
from motor.backbones.torch_forecaster import Geometry

if TYPE_CHECKING:
    from motor.backbones.hybrid.settings import Gated

GATE_WIDTH = 32
SHAPE_PATCH = 64  # samples of the patches whose mean and deviation a gate sees


class LinearBranch(Module):
    """The linear forecaster's coefficients as weights that are trained on (see `motor.backbones.linear`)."""

    def __init__(self, model: ParameterDict, is_told: bool) -> None:
        super().__init__()
        self.model, self.is_told = model.requires_grad_(True), is_told

    def forward(self, batch: Batch) -> Tensor:
        coefficient_NLH, offset_NHQ = self.model["coefficient_NLH"], self.model["offset_NHQ"]
        lags_BL = batch.context_BT[:, -(coefficient_NLH.shape[1] - 1) :]
        rows_B1L = torch.cat([lags_BL, torch.ones_like(lags_BL[:, :1])], dim=1)[:, None]
        model_B = batch.domain_B if self.is_told else torch.zeros_like(batch.domain_B)
        point_BNH = torch.stack([(rows_B1L @ one)[:, 0] for one in coefficient_NLH], dim=1)
        point_BH = point_BNH[torch.arange(len(model_B), device=model_B.device), model_B]
        return point_BH[..., None] + offset_NHQ[model_B]


class Gate(Module):
    """A softmax over branches, which starts at their prior weights."""

    def __init__(self, n_values: int, weights: list[float], temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.wide, self.act, self.narrow = Linear(n_values, GATE_WIDTH), SiLU(), Linear(GATE_WIDTH, len(weights))
        torch.nn.init.zeros_(self.narrow.weight)
        with torch.no_grad():
            self.narrow.bias.copy_(temperature * torch.tensor([math.log(weight) for weight in weights]))

    def forward(self, values_BV: Tensor) -> Tensor:
        return (self.narrow(self.act(self.wide(values_BV))) / self.temperature).softmax(dim=-1)


class Network(Module):
    """From a normalised context to the gate's mixture of what its branches forecast."""

    def __init__(self, geometry: Geometry, settings: "Gated") -> None:
        super().__init__()
        self.geometry, self.settings = geometry, settings
        enabled = settings.branches.enabled()
        is_told = len(geometry.domains) >= 2
        built: dict[str, Any] = {name: branch.settings.network(geometry) for name, branch in enabled.items()}
        if "linear" in built:
            built["linear"] = LinearBranch(built["linear"], is_told)
        self.branches = ModuleDict(built)
        self.patch = next((branch.patch for branch in built.values() if hasattr(branch, "patch")), 1)
        weights = [branch.weight for branch in enabled.values()]
        self.gate = Gate(self._n_values(), weights, settings.temperature)

    def blocks(self) -> Blocks:
        """Return the blocks of its branches, one after the other."""
        branches: Any = self.branches.items()
        each = [branch.blocks() for name, branch in branches if name != "linear"]
        joined: dict[str, Any] = {
            part: [one for of in each for one in getattr(of, part)] for part in ("inputs", "encoder", "head")
        }
        return Blocks(**joined)

    def forward(self, batch: Batch) -> Forecast:
        """Return the mixture, the gate, what each branch forecasts, and their losses where the future is known."""
        said = {name: _said(branch, batch) for name, branch in self.branches.items()}
        gate_BN = self.gate(self._seen(batch, said))
        quantiles_BHQN = torch.stack([one.quantiles_BHQ for one in said.values()], dim=-1)
        return Forecast(
            (quantiles_BHQN * gate_BN[:, None, None]).sum(dim=-1),
            auxiliary=self._losses(batch, said) if batch.future_BH is not None else None,
            tokens_BLD=_tokens(said),
            regimes_BLK=_regimes(said),
            gate_BN=gate_BN,
            branches={name: one.quantiles_BHQ for name, one in said.items()},
        )

    def encode(self, batch: Batch) -> Tensor:
        """Return the tokens of all branches that have some, side by side: (B, L, D)."""
        encoders: list[Any] = [branch for branch in self.branches.values() if hasattr(branch, "encode")]
        return torch.cat([branch.encode(batch) for branch in encoders], dim=-1)

    def _losses(self, batch: Batch, said: dict[str, Forecast]) -> dict[str, Tensor]:
        """Return the branches' own losses: of their forecasts, and those that they have beside."""
        weight, levels = self.settings.branch_loss, self.geometry.quantile_levels
        losses = {
            f"{name}_{kind}": value for name, one in said.items() for kind, value in (one.auxiliary or {}).items()
        }
        for name, one in said.items() if weight else ():
            own = pinball(one._replace(levels=levels), batch) if one.quantile_loss is None else one.quantile_loss
            losses[f"branch_{name}"] = weight * own
        return losses

    def _seen(self, batch: Batch, said: dict[str, Forecast]) -> Tensor:
        """Return what the gate sees of each window; no gradient leaves it, so that it shapes no branch."""
        regimes_BLK = _regimes(said)
        parts = [] if regimes_BLK is None else [regimes_BLK[:, -1], regimes_BLK.mean(dim=1)]
        if not self.settings.gate_sees_regimes_alone:
            shape_BL2 = shapes(patches(batch.context_BT, SHAPE_PATCH))
            spread_B2 = shape_BL2.std(dim=1, correction=0)
            parts += [known(batch, self.geometry.domains), shape_BL2[:, -1], shape_BL2.mean(dim=1), spread_B2]
            tokens_BLD = _tokens(said)
            parts += [] if tokens_BLD is None else [tokens_BLD.mean(dim=1)]
        return torch.cat(parts, dim=1).detach()

    def _n_values(self) -> int:
        """Return how many values the gate sees, found by a pass over one window."""
        generator = torch.random.get_rng_state()
        context_BT = torch.zeros(1, self.geometry.context_length)
        batch = Batch(context_BT, None, torch.zeros(1, dtype=torch.long))
        with torch.no_grad():
            said = {name: _said(branch, batch) for name, branch in self.branches.items()}
            n_values = self._seen(batch, said).shape[1]
        torch.random.set_rng_state(generator)
        return n_values


def _said(branch: Module, batch: Batch) -> Forecast:
    """Return what a branch forecasts without a look at the future; one that learns by another loss is asked twice."""
    said = branch(batch)
    forecast = said if isinstance(said, Forecast) else Forecast(said)
    if forecast.quantile_loss is None:
        return forecast
    with torch.no_grad():
        return branch(batch._replace(future_BH=None))._replace(quantile_loss=forecast.quantile_loss)


def _tokens(said: dict[str, Forecast]) -> Tensor | None:
    found = [one.tokens_BLD for one in said.values() if one.tokens_BLD is not None]
    return torch.cat(found, dim=-1) if found else None


def _regimes(said: dict[str, Forecast]) -> Tensor | None:
    return next((one.regimes_BLK for one in said.values() if one.regimes_BLK is not None), None)
