"""Spreads from the median (Leys et al. 2013, J. Experimental Social Psychology 49, 764-766), of logs where skewed."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.cuts.base import Cut, CutError, Division, checked

NORMAL_MAD = 1.4826  # of a normal distribution: its standard deviation over its median absolute deviation
SKEWED = 1.1  # the upper tenth is so much farther from the median than the lower one
LEAST = 1e-3  # of the distance from the least score to the median, added before the logarithm


class Mad(Cut):
    """Median plus or minus some median absolute deviations.

    Scores are mostly skewed: on clean exponential ones the rule as it stands calls none normal and 3 % strange. So it
    is taken of the logarithms of their distances from the least score where the upper tail is the longer one.
    """

    kind: Literal["mad"] = "mad"

    normal: float = Field(default=2.0, gt=0, description="spreads below the median, under which a series is normal")
    strange: float = Field(default=4.0, gt=0, description="spreads above the median, over which a series is strange")

    def divide(self, score_n: NDArray[np.float64], normal_m: NDArray[np.float64]) -> Division:
        """Return where the scores are cut (see `Cut.divide`)."""
        sorted_n = checked(score_n, self.kind)
        low, middle, high = np.percentile(sorted_n, [10, 50, 90])
        is_skewed = high - middle > SKEWED * (middle - low)
        if not is_skewed:
            below, above = self._cuts(sorted_n)
            return Division(below, above, {"skewed": 0.0})
        zero = sorted_n[0] - LEAST * (middle - sorted_n[0])
        if not middle > zero:
            raise CutError(f"cut {self.kind}: half of the scores are the same; choose another detector")
        below, above = self._cuts(np.log(sorted_n - zero))
        return Division(float(zero + np.exp(below)), float(zero + np.exp(above)), {"skewed": 1.0})

    def _cuts(self, value_n: NDArray[np.float64]) -> tuple[float, float]:
        middle = float(np.median(value_n))
        spread = NORMAL_MAD * float(np.median(np.abs(value_n - middle)))
        if not spread > 0:
            raise CutError(f"cut {self.kind}: half of the scores are the same; choose another detector")
        return middle - self.normal * spread, middle + self.strange * spread


PLUGIN = Mad
