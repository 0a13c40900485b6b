"""Average precision of normal against faulty."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import SCORE, Sheet


class PrAucFaulty(Metric):
    """Precision averaged over the recall that it comes with, faulty being positive; guessing is the share of faults."""

    kind: Literal["pr_auc_faulty"] = "pr_auc_faulty"
    needs: ClassVar[frozenset[str]] = frozenset({SCORE})
    title: ClassVar[str] = "average precision of normal against faulty"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        assert sheet.score_n is not None
        return resampling.average_precision(sheet.score_n, sheet.faulty_n, sheet.weights_Rn)


PLUGIN = PrAucFaulty
