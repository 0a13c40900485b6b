"""Objective `extremes`: whether the forecast reaches as far up and down as the signal.

Shapes: B windows, H horizon.
"""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, scaled_paths

if TYPE_CHECKING:
    from torch import Tensor


class Extremes(Objective):
    """The squared differences of largest and of smallest values of median forecast and signal, in their mean.

    A missing sample counts as the context's mean in both.
    """

    kind: Literal["extremes"] = "extremes"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows (see `Objective.value`)."""
        measured_BH, median_BH, _ = scaled_paths(forecast, batch)
        up_B = measured_BH.amax(dim=1) - median_BH.amax(dim=1)
        down_B = measured_BH.amin(dim=1) - median_BH.amin(dim=1)
        return (up_B.square() + down_B.square()).mean() / 2


PLUGIN = Extremes
