"""Objective `regime`: how unsure the forecaster is of the regime.

Shapes: B windows, H horizon, L tokens, K regimes.
"""

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


class Regime(Objective):
    """The entropy of the regimes' posterior over that of a uniform one, a mean over windows and tokens: 0 to 1.

    For forecasters that give regimes; a window without a future counts 0. Sure regimes need
    not be right ones: look at what they follow.
    """

    kind: Literal["regime"] = "regime"
    needs: ClassVar[tuple[str, ...]] = ("regimes",)

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows and tokens (see `Objective.value`)."""
        if forecast.regimes_BLK is None:
            raise ValueError("objective regime takes regimes, and this forecaster has none; choose vssm or ptft_vssm")
        entropy_B = torch.special.entr(forecast.regimes_BLK).sum(dim=-1).mean(dim=1)
        is_known_B = ~batch.future_BH.isnan().all(dim=1)
        return (entropy_B * is_known_B).mean() / math.log(forecast.regimes_BLK.shape[-1])


PLUGIN = Regime
