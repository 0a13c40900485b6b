"""Peaks over threshold (Siffer et al. 2017, KDD, eq. 1): where a tail like that of these scores is hardly ever reached.

Shapes: k exceedances.
"""

from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.cuts.base import FEWEST_VALUES, Cut, CutError, Division, checked
from motor.lazy import scipy

LARGEST = 20.0  # of the tail's shape over its scale, in means of the exceedances
NEAR_ZERO = 1e-7  # of the same: closer to 0 the logarithm's series is used


class Pot(Cut):
    """A generalised Pareto tail over a high quantile; the rest is cut by a percentile.

    It says how far scores like these reach. Where faults are among them, it models their tail, not that of the normal.
    """

    kind: Literal["pot"] = "pot"

    normal: float = Field(default=5.0, gt=0, lt=100, description="per cent that are called normal")
    start: float = Field(default=90.0, gt=0, lt=100, description="percentile over which the tail begins")
    risk: float = Field(default=1e-3, gt=0, lt=1, description="share of scores like these that are called strange")

    def divide(self, score_n: NDArray[np.float64], normal_m: NDArray[np.float64]) -> Division:
        """Return where the scores are cut (see `Cut.divide`)."""
        sorted_n = checked(score_n, self.kind)
        below, start = np.percentile(sorted_n, [self.normal, self.start])
        exceedance_k = sorted_n[sorted_n > start] - start
        if len(np.unique(exceedance_k)) < FEWEST_VALUES:
            raise CutError(
                f"cut {self.kind}: {len(np.unique(exceedance_k))} scores differ over the {self.start:g}th percentile; "
                f"needed are {FEWEST_VALUES}; lower cuts.pot.start, or choose another detector"
            )
        shape, scale = fit_tail(exceedance_k)
        share = self.risk * len(sorted_n) / len(exceedance_k)
        above = start + tail_reach(shape, scale, share)
        return Division(float(below), float(max(above, start)), {"tail_shape": shape, "tail_scale": scale})


def tail_reach(shape: float, scale: float, share: float) -> float:
    """Return what a share of exceedances lies over: the quantile of a generalised Pareto distribution.

    It is right at shape 0 and as near to it as one likes: scale (share^-shape - 1) / shape, by `expm1`.
    """
    exponent = -np.log(share)
    return float(scale * exponent if shape == 0 else scale * np.expm1(shape * exponent) / shape)


def fit_tail(exceedance_k: NDArray[np.float64]) -> tuple[float, float]:
    """Return shape and scale of the likeliest generalised Pareto distribution (Grimshaw 1993, Technometrics 35).

    Exceedances are counted in their mean, so scores of any size are alike.
    """
    mean = float(np.mean(exceedance_k))
    counted_k = exceedance_k / mean

    def loss(ratio: float) -> float:
        shape, scale = _likeliest(ratio, counted_k)
        return float(np.log(scale) + shape)

    edges = (-(1 - 1e-6) / counted_k.max(), 0.0, LARGEST)
    found = [scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded") for bounds in pairwise(edges)]
    shape, scale = _likeliest(min(found, key=lambda one: one.fun).x, counted_k)
    return shape, scale * mean


def _likeliest(ratio: float, counted_k: NDArray[np.float64]) -> tuple[float, float]:
    """Return the likeliest shape and scale among those whose ratio is given."""
    shape = float(np.mean(np.log1p(ratio * counted_k)))
    if abs(ratio) < NEAR_ZERO:
        return shape, float(np.mean(counted_k) - ratio * np.mean(counted_k**2) / 2)
    return shape, shape / ratio


PLUGIN = Pot
