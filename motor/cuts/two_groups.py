"""Two groups: normal scores, known from normal series, and the rest (Storey 2002, JRSS B 64, 479-498).

Ranks among known normal scores are p-values (Bates et al. 2023, Annals of Statistics 51, 149-178, who show that the
rule of Benjamini and Hochberg holds for them).
"""

from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.cuts.base import Cut, CutError, Division, checked

MIDDLE = 0.5  # p-values over it are taken for those of normal series
FEWEST_PER_RATE = 5  # known normal series, in units of one over the false discoveries asked for


class TwoGroups(Cut):
    """Strange is what holds the false discoveries that are asked for; normal is where as good as no fault is left."""

    kind: Literal["two_groups"] = "two_groups"

    false_discoveries: float = Field(
        default=0.1, gt=0, lt=1, description="share of normal series among those that are called strange, at most"
    )
    missed: float = Field(
        default=0.02, gt=0, lt=1, description="estimated share of faulty series among those that are called normal"
    )

    def divide(self, score_n: NDArray[np.float64], normal_m: NDArray[np.float64]) -> Division:
        """Return where the scores are cut (see `Cut.divide`).

        Raises
        ------
        CutError
            Also if there are too few known normal series to tell.
        """
        sorted_n, known_m = checked(score_n, self.kind), np.sort(np.asarray(normal_m, dtype=np.float64))
        needed = ceil(FEWEST_PER_RATE / self.false_discoveries)
        if len(known_m) < needed:
            raise CutError(
                f"cut {self.kind}: too few known normal series, {len(known_m)}; at {self.false_discoveries:g} false "
                f"discoveries {needed} are needed; label more, or choose another cut"
            )
        n_over_n = len(known_m) - np.searchsorted(known_m, sorted_n, side="left")
        p_n = (1 + n_over_n) / (1 + len(known_m))
        normal_share = normal_share_of(p_n)
        return Division(
            self._below(sorted_n, known_m, normal_share), self._above(sorted_n, p_n, normal_share),
            {"normal_share": normal_share},
        )  # fmt: skip

    def _above(self, sorted_n: NDArray[np.float64], p_n: NDArray[np.float64], normal_share: float) -> float:
        n_called_n = len(sorted_n) - np.searchsorted(sorted_n, sorted_n, side="left")
        holds_n = normal_share * p_n * len(sorted_n) <= self.false_discoveries * n_called_n
        return float(sorted_n[np.argmax(holds_n)]) if holds_n.any() else float("inf")

    def _below(self, sorted_n: NDArray[np.float64], known_m: NDArray[np.float64], normal_share: float) -> float:
        under_n = np.searchsorted(known_m, sorted_n, side="right") / (1 + len(known_m))
        called_n = np.searchsorted(sorted_n, sorted_n, side="right") / len(sorted_n)
        holds_n = 1 - normal_share * under_n / called_n <= self.missed
        return float(sorted_n[len(sorted_n) - 1 - np.argmax(holds_n[::-1])]) if holds_n.any() else -float("inf")


def normal_share_of(p_n: NDArray[np.float64]) -> float:
    """Return the estimated share of normal series (Storey's, with his correction for few p-values), at most 1."""
    return float(min(1.0, (1 + np.sum(p_n > MIDDLE)) / (len(p_n) * (1 - MIDDLE))))


PLUGIN = TwoGroups
