"""Objective `quantile`: the pinball loss, which forecasts of quantiles are made by.

Shapes: B windows, T context, H horizon, Q quantiles.
"""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast, loc_scale
from motor.backbones.objectives.base import Objective
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


class Quantile(Objective):
    """Twice the pinball loss, a mean over windows, time steps and the model's own quantile levels.

    Koenker and Bassett 1978, "Regression Quantiles", Econometrica 46. A mean, so that learning rates and gradient
    clipping mean the same for every family and horizon (the stock models sum over the horizon, Chronos-Bolt, or over
    the quantiles, Chronos-2); it is theirs in all else.
    """

    kind: Literal["quantile"] = "quantile"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the model's own loss, where it has one (see `Objective.value`)."""
        return pinball(forecast, batch) if forecast.quantile_loss is None else forecast.quantile_loss


def pinball(forecast: Forecast, batch: Batch) -> "Tensor":
    """Return twice the mean pinball loss in units of each context's deviation; a missing sample counts 0."""
    _, scale_B1 = loc_scale(batch.context_BT)
    y_BH1 = batch.future_BH[..., None]
    levels_Q = torch.tensor(forecast.levels, device=y_BH1.device)
    miss_BHQ = (y_BH1 - forecast.quantiles_BHQ.float()) / scale_B1[..., None]
    known_BHQ = miss_BHQ.detach()
    below_BHQ = ((known_BHQ < 0).float() + (known_BHQ <= 0).float()) / 2  # as the slope of the larger of two lines
    loss_BHQ = 2 * (miss_BHQ * (levels_Q - below_BHQ))
    return loss_BHQ.where(~y_BH1.isnan(), 0.0).mean()


PLUGIN = Quantile
