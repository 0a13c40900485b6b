"""Agreement of the classes named with the true ones, beyond what chance gives."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import Sheet


class CohenKappa(Metric):
    """Cohen's kappa (Educational and Psychological Measurement 20, 1960); no skill is 0."""

    kind: Literal["cohen_kappa"] = "cohen_kappa"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    title: ClassVar[str] = "Cohen's kappa"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        counts = sheet.confusions_RCC
        total = counts.sum(axis=(1, 2))
        agreed = np.trace(counts, axis1=1, axis2=2) / total
        by_chance = (counts.sum(axis=2) * counts.sum(axis=1)).sum(axis=1) / total**2
        missing = np.full(len(total), np.nan)
        return np.divide(agreed - by_chance, 1 - by_chance, out=missing, where=by_chance < 1)

    def undefined(self, sheet: Sheet) -> str | None:
        return "all test series are of one class, and named so"


PLUGIN = CohenKappa
