"""Area under the ROC curve of normal against faulty."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import SCORE, Sheet


class RocAucFaulty(Metric):
    """How often a faulty series scores above a normal one (Hanley and McNeil, Radiology 143, 1982); guessing is 0.5."""

    kind: Literal["roc_auc_faulty"] = "roc_auc_faulty"
    needs: ClassVar[frozenset[str]] = frozenset({SCORE})
    title: ClassVar[str] = "AUC of normal against faulty"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        assert sheet.score_n is not None
        return resampling.roc_auc(sheet.score_n, sheet.faulty_n, sheet.weights_Rn)


PLUGIN = RocAucFaulty
