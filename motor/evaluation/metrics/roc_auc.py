"""Area under the ROC curve of each class against the rest."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import ClassMetric
from motor.evaluation.sheet import PROBABILITIES, Sheet


class RocAuc(ClassMetric):
    """How often a series of a class has a greater probability of it than a series of the rest."""

    kind: Literal["roc_auc"] = "roc_auc"
    needs: ClassVar[frozenset[str]] = frozenset({PROBABILITIES})
    title: ClassVar[str] = "AUC against the rest"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        return sheet.areas_RC

    def undefined(self, sheet: Sheet, place: int) -> str | None:
        if (sheet.true_n == place).all():
            return "all test series are of this class"
        return super().undefined(sheet, place)


PLUGIN = RocAuc
