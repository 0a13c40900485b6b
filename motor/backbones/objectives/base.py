"""What objectives have in common: a loss of a forecast whose future is known.

Shapes: B windows, T context, H horizon.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast, loc_scale
from motor.registry import Plugin

if TYPE_CHECKING:
    from torch import Tensor


LEAST_VARIANCE = 1e-8
"""Added below a root, whose slope at 0 is infinite: in units of a context's variance."""


class Objective(Plugin, ABC):
    """A loss that fine-tuning makes small."""

    ROOM: ClassVar[str] = "motor.backbones.objectives"

    needs: ClassVar[tuple[str, ...]] = ()
    """What it takes of a forecaster beside quantiles, say ``regimes``; see `motor.backbones.base.Backbone.GIVES`."""

    weight: float = Field(default=1.0, gt=0, description="how much its value counts in the sum that is trained on")

    @abstractmethod
    def value(self, forecast: Forecast, batch: Batch) -> "Tensor":
        """Return the loss of a batch: a mean over windows and time steps, in units of each context's own scale.

        Parameters
        ----------
        forecast : Forecast
            Of the batch, with its gradient.
        batch : Batch
            Of tensors on the forecast's device; `future_BH` is as long as the forecast, NaN where it is not known. A
            missing sample counts 0, and the mean is over all: so the parts of a batch add up to the whole.
        """


def scaled_error(forecast: Forecast, batch: Batch) -> "Tensor":
    """Return measured less median forecast over each context's deviation, 0 where the future is missing: (B, H)."""
    _, scale_B1 = loc_scale(batch.context_BT)
    return ((batch.future_BH - forecast.median_BH.float()) / scale_B1).where(~batch.future_BH.isnan(), 0.0)


def scaled_paths(forecast: Forecast, batch: Batch) -> "tuple[Tensor, Tensor, Tensor]":
    """Return measured and median forecast over each context's mean and deviation, and what is there: (B, H) each.

    Where the future is missing both are 0, and so is what is there; else it is 1.
    """
    loc_B1, scale_B1 = loc_scale(batch.context_BT)
    there_BH = ~batch.future_BH.isnan()
    measured_BH, median_BH = (
        ((path_BH.float() - loc_B1) / scale_B1).where(there_BH, 0.0)
        for path_BH in (batch.future_BH, forecast.median_BH)
    )
    return measured_BH, median_BH, there_BH.float()


def mean_over(values_BH: "Tensor", there_BH: "Tensor") -> "Tensor":
    """Return each window's mean over what is there, 0 where nothing is: (B,)."""
    return (values_BH * there_BH).sum(dim=1) / there_BH.sum(dim=1).clamp(min=1)


def spread_over(values_BH: "Tensor", there_BH: "Tensor") -> "Tensor":
    """Return each window's standard deviation over what is there: (B,)."""
    centred_BH = values_BH - mean_over(values_BH, there_BH)[:, None]
    return (mean_over(centred_BH.square(), there_BH) + LEAST_VARIANCE).sqrt()


def terms_of(objectives: Sequence[Objective], forecast: Forecast, batch: Batch) -> "dict[str, tuple[float, Tensor]]":
    """Return the weight and the value of each objective, and of each loss of the forecaster's own, by name."""
    terms = {objective.kind: (objective.weight, objective.value(forecast, batch)) for objective in objectives}
    return terms | {name: (1.0, value) for name, value in (forecast.auxiliary or {}).items()}
