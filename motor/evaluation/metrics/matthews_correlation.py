"""Correlation of the classes named with the true ones."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import Sheet


class MatthewsCorrelation(Metric):
    """Matthews' coefficient for several classes (Gorodkin, Comput. Biol. Chem. 28, 2004); no skill is 0."""

    kind: Literal["matthews_correlation"] = "matthews_correlation"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    title: ClassVar[str] = "Matthews correlation"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        counts = sheet.confusions_RCC
        total, hits = counts.sum(axis=(1, 2)), np.trace(counts, axis1=1, axis2=2)
        true, named = counts.sum(axis=2), counts.sum(axis=1)
        covariance = hits * total - (true * named).sum(axis=1)
        spread = np.sqrt((total**2 - (named**2).sum(axis=1)) * (total**2 - (true**2).sum(axis=1)))
        return np.divide(covariance, spread, out=np.zeros(len(spread)), where=spread > 0)


PLUGIN = MatthewsCorrelation
