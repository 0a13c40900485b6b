"""Share of series whose class is named right."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import Sheet


class Accuracy(Metric):
    """Accuracy: a rare class hardly counts."""

    kind: Literal["accuracy"] = "accuracy"
    title: ClassVar[str] = "accuracy"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        hits = np.trace(sheet.confusions_RCC, axis1=1, axis2=2)
        return np.asarray(hits / sheet.confusions_RCC.sum(axis=(1, 2)))


PLUGIN = Accuracy
