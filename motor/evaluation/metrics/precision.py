"""Of the series that are named a class, the share that is of it."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import ClassMetric
from motor.evaluation.sheet import Sheet


class Precision(ClassMetric):
    """Precision of each class that has test series; undefined where it is never named."""

    kind: Literal["precision"] = "precision"
    title: ClassVar[str] = "precision"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        hits = np.diagonal(sheet.confusions_RCC, axis1=1, axis2=2)
        support, named = sheet.confusions_RCC.sum(axis=2), sheet.confusions_RCC.sum(axis=1)
        return np.divide(hits, named, out=np.full(hits.shape, np.nan), where=(named > 0) & (support > 0))

    def undefined(self, sheet: Sheet, place: int) -> str | None:
        assert sheet.named_nC is not None
        if reason := super().undefined(sheet, place):
            return reason
        return None if sheet.named_nC[:, place].any() else "never predicted"


PLUGIN = Precision
