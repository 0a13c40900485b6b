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


class Objective(Plugin, ABC):
    """A loss that fine-tuning makes small."""

    ROOM: ClassVar[str] = "motor.backbones.objectives"

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


def terms_of(objectives: Sequence[Objective], forecast: Forecast, batch: Batch) -> "dict[str, tuple[float, Tensor]]":
    """Return the weight and the value of each objective, and of each loss of the forecaster's own, by name."""
    terms = {objective.kind: (objective.weight, objective.value(forecast, batch)) for objective in objectives}
    return terms | {name: (1.0, value) for name, value in (forecast.auxiliary or {}).items()}
