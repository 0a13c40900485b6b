"""Objective `mean`: whether the forecast is right on the average of its horizon.

Shapes: B windows, H horizon.
"""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, mean_over, scaled_paths

if TYPE_CHECKING:
    from torch import Tensor


class Mean(Objective):
    """The squared difference of the means of median forecast and signal over the horizon."""

    kind: Literal["mean"] = "mean"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows (see `Objective.value`)."""
        measured_BH, median_BH, there_BH = scaled_paths(forecast, batch)
        return (mean_over(measured_BH, there_BH) - mean_over(median_BH, there_BH)).square().mean()


PLUGIN = Mean
