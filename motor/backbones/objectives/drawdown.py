"""Objective `drawdown`: the worst loss of following the forecast, for series that are returns.

Shapes: B windows, H horizon.
"""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, scaled_paths

if TYPE_CHECKING:
    from torch import Tensor


class Drawdown(Objective):
    """The largest fall below an earlier peak of what holding ``tanh`` of the median forecast has gained, by window.

    A vibration is no return; the trend of a health index over weeks is like one.
    """

    kind: Literal["drawdown"] = "drawdown"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows, by step of the horizon (see `Objective.value`)."""
        measured_BH, median_BH, _ = scaled_paths(forecast, batch)
        wealth_BH = (median_BH.tanh() * measured_BH).cumsum(dim=1)
        peak_BH = wealth_BH.cummax(dim=1).values.clamp(min=0)
        return (peak_BH - wealth_BH).amax(dim=1).mean() / wealth_BH.shape[1]


PLUGIN = Drawdown
