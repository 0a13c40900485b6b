"""Objective `mse`: the error of the point forecast alone."""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, scaled_error

if TYPE_CHECKING:
    from torch import Tensor


class Mse(Objective):
    """The mean square of the median forecast's error, in units of each context's variance."""

    kind: Literal["mse"] = "mse"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows and time steps (see `Objective.value`)."""
        return scaled_error(forecast, batch).square().mean()


PLUGIN = Mse
