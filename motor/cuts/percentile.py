"""Fixed shares: so many per cent are normal and strange, whatever is in the data."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.cuts.base import Cut, Division, checked


class Percentile(Cut):
    """The lowest scores are normal, the highest strange; it names its shares also where there is no fault at all."""

    kind: Literal["percentile"] = "percentile"

    normal: float = Field(default=5.0, gt=0, lt=100, description="per cent that are called normal")
    strange: float = Field(default=1.0, gt=0, lt=100, description="per cent that are called strange")

    def divide(self, score_n: NDArray[np.float64], normal_m: NDArray[np.float64]) -> Division:
        """Return where the scores are cut (see `Cut.divide`)."""
        sorted_n = checked(score_n, self.kind)
        below, above = np.percentile(sorted_n, [self.normal, 100 - self.strange])
        return Division(float(below), float(above))


PLUGIN = Percentile
