"""Of the series of a class, the share that is named so."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import ClassMetric
from motor.evaluation.sheet import Sheet


class Recall(ClassMetric):
    """Recall of each class that has test series."""

    kind: Literal["recall"] = "recall"
    title: ClassVar[str] = "recall"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        hits = np.diagonal(sheet.confusions_RCC, axis1=1, axis2=2)
        support = sheet.confusions_RCC.sum(axis=2)
        return np.divide(hits, support, out=np.full(hits.shape, np.nan), where=support > 0)


PLUGIN = Recall
