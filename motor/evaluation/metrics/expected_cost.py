"""What a series costs on average, by what each confusion costs."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import Sheet

Cost = Annotated[float, Field(ge=0)]


class ExpectedCost(Metric):
    """Mean cost of a test series in the plant's money, as often as each class comes in the test.

    Where faults are rarer in the plant than in the test, the plant pays less for missed ones and more for false alarms.
    """

    kind: Literal["expected_cost"] = "expected_cost"
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    title: ClassVar[str] = "expected cost a series"

    costs: Mapping[str, Mapping[str, Cost]] = Field(
        default={}, description="true class -> class named -> cost; what is not said costs nothing"
    )

    @property
    def is_ready(self) -> bool:
        return bool(self.costs)

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        cost_CC = self.matrix(sheet.classes)
        counts = sheet.confusions_RCC
        return np.asarray((counts * cost_CC).sum(axis=(1, 2)) / counts.sum(axis=(1, 2)))

    def matrix(self, classes: tuple[str, ...]) -> NDArray[np.float64]:
        """Return the costs by true (rows) and named (columns) class."""
        return np.array([[float(self.costs.get(true, {}).get(named, 0.0)) for named in classes] for true in classes])


PLUGIN = ExpectedCost
