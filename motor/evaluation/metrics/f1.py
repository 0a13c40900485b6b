"""Harmonic mean of precision and recall, of each class."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.metrics.base import ClassMetric
from motor.evaluation.sheet import Sheet


class F1(ClassMetric):
    """F1 of each class that has test series."""

    kind: Literal["f1"] = "f1"
    title: ClassVar[str] = "F1"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        return resampling.f1_by_class(sheet.confusions_RCC)


PLUGIN = F1
