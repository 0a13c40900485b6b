"""Objective `volatility`: whether the forecast moves as much as the signal.

Shapes: B windows, H horizon.
"""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, scaled_paths, spread_over

if TYPE_CHECKING:
    from torch import Tensor


class Volatility(Objective):
    """The squared difference of the standard deviations of median forecast and signal over the horizon.

    It does not cure flat forecasts (docs/forecasters.md): it makes them move, not be right.
    """

    kind: Literal["volatility"] = "volatility"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows (see `Objective.value`)."""
        measured_BH, median_BH, there_BH = scaled_paths(forecast, batch)
        return (spread_over(measured_BH, there_BH) - spread_over(median_BH, there_BH)).square().mean()


PLUGIN = Volatility
