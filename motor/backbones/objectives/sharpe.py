"""Objective `sharpe`: reward over risk of following the forecast, for series that are returns.

Shapes: B windows, H horizon.
"""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, mean_over, scaled_paths, spread_over

if TYPE_CHECKING:
    from torch import Tensor


class Sharpe(Objective):
    """Minus the Sharpe ratio of holding ``tanh`` of the median forecast, by window (Sharpe 1966, J. Business 39).

    A vibration is no return; the trend of a health index over weeks is like one.
    """

    kind: Literal["sharpe"] = "sharpe"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows (see `Objective.value`)."""
        measured_BH, median_BH, there_BH = scaled_paths(forecast, batch)
        gained_BH = median_BH.tanh() * measured_BH
        return -(mean_over(gained_BH, there_BH) / spread_over(gained_BH, there_BH)).mean()


PLUGIN = Sharpe
