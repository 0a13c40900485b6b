"""The forecast of a batch, and the scale of a context that all of it is measured in.

Shapes: B windows, T context, H horizon, Q quantiles, S samples, L tokens, D embedding, K regimes, N branches.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

MEDIAN = 0.5
STILL = 1e-6
"""A context that deviates less than this, in scaled units, is not divided by its deviation."""


class ForecastError(ValueError):
    """A forecast is not finite."""


class Forecast(NamedTuple):
    """The outcome of one pass, with its gradient where one is due: what objectives are computed from.

    Attributes
    ----------
    quantiles_BHQ : Tensor of shape (n_windows, prediction_length, n_levels)
        In the batch's units; they may cross.
    levels : tuple of float
        What the last axis stands for.
    quantile_loss : Tensor or None
        Where the model computes the objective ``quantile`` itself, that.
    auxiliary : mapping of str to Tensor, or None
        Losses of the forecaster's own, by name, already weighted: they are added to what is trained on, reported one by
        one, and neither validated nor asked for when it forecasts.
    samples_SBH : Tensor of shape (n_samples, n_windows, prediction_length), or None
        Futures that were drawn, in the batch's units.
    tokens_BLD : Tensor of shape (n_windows, n_tokens, d_model), or None
        Hidden states of the context, token by token from the oldest on.
    regimes_BLK : Tensor of shape (n_windows, n_tokens, n_regimes), or None
        How sure it is, at each token, of each regime; they add up to 1.
    gate_BN : Tensor of shape (n_windows, n_branches), or None
        How much each branch counts in the forecast, in the order of `branches`; they add up to 1.
    branches : mapping of str to Tensor (n_windows, prediction_length, n_levels), or None
        What each branch forecasts by itself, in the batch's units.
    """

    quantiles_BHQ: "Tensor"
    levels: tuple[float, ...] = ()
    quantile_loss: "Tensor | None" = None
    auxiliary: "Mapping[str, Tensor] | None" = None
    samples_SBH: "Tensor | None" = None
    tokens_BLD: "Tensor | None" = None
    regimes_BLK: "Tensor | None" = None
    gate_BN: "Tensor | None" = None
    branches: "Mapping[str, Tensor] | None" = None

    @property
    def median_BH(self) -> "Tensor":
        """The point forecast."""
        return self.quantiles_BHQ[..., positions_of((MEDIAN,), self.levels)[0]]


def positions_of(asked: tuple[float, ...], own: tuple[float, ...]) -> list[int]:
    """Return where the asked quantile levels stand among the model's own.

    Raises
    ------
    ValueError
        If a level is not the model's, or the median is not asked for: it is the point forecast.
    """
    found = {level: [i for i, mine in enumerate(own) if abs(mine - level) < 1e-6] for level in asked}
    unknown = [level for level, positions in found.items() if not positions]
    if unknown or MEDIAN not in asked:
        wrong = f"quantile levels {unknown} are not the model's" if unknown else "quantile levels lack the median, 0.5"
        raise ValueError(f"{wrong}; take 0.5 and any others of {', '.join(f'{level:g}' for level in own)}")
    return [found[level][0] for level in asked]


def loc_scale(context_BT: "Tensor") -> "tuple[Tensor, Tensor]":
    """Return mean and deviation of each context, over samples that are not missing: (B, 1) each."""
    loc_B1 = context_BT.nanmean(dim=1, keepdim=True).nan_to_num()
    scale_B1 = (context_BT - loc_B1).square().nanmean(dim=1, keepdim=True).nan_to_num().sqrt()
    return loc_B1, torch.where(scale_B1 > STILL, scale_B1, torch.ones_like(scale_B1))
