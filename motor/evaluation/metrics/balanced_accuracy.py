"""Mean recall over the classes that have test series."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import Sheet


class BalancedAccuracy(Metric):
    """Accuracy in which every class weighs the same (Brodersen et al., ICPR 2010)."""

    kind: Literal["balanced_accuracy"] = "balanced_accuracy"
    title: ClassVar[str] = "balanced accuracy"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        hits = np.diagonal(sheet.confusions_RCC, axis1=1, axis2=2)
        support = sheet.confusions_RCC.sum(axis=2)
        recall = np.divide(hits, support, out=np.zeros(hits.shape), where=support > 0)
        return np.asarray(recall.sum(axis=1) / (support > 0).sum(axis=1))


PLUGIN = BalancedAccuracy
