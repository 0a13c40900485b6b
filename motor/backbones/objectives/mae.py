"""Objective `mae`: the error of the point forecast alone."""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, scaled_error

if TYPE_CHECKING:
    from torch import Tensor


class Mae(Objective):
    """The mean absolute error of the median forecast, in units of each context's standard deviation."""

    kind: Literal["mae"] = "mae"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows and time steps (see `Objective.value`)."""
        return scaled_error(forecast, batch).abs().mean()


PLUGIN = Mae
