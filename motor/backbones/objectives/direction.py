"""Objective `direction`: whether the forecast rises where the signal rises.

Shapes: B windows, H horizon.
"""

from typing import TYPE_CHECKING, Literal

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.objectives.base import Objective, scaled_paths
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


class Direction(Objective):
    """The logistic loss of the median forecast's steps against the signs of the measured ones."""

    kind: Literal["direction"] = "direction"

    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the mean over windows and steps; a step to or from a missing sample counts 0 (see `Objective`)."""
        measured_BH, median_BH, there_BH = scaled_paths(forecast, batch)
        both_BH = there_BH[:, 1:] * there_BH[:, :-1]
        return (torch.nn.functional.softplus(-measured_BH.diff(dim=1).sign() * median_BH.diff(dim=1)) * both_BH).mean()


PLUGIN = Direction
