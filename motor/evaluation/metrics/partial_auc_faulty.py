"""Area under the ROC curve of normal against faulty where false alarms are few."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import SCORE, Sheet


class PartialAucFaulty(Metric):
    """The area up to a rate of false alarms, scaled so that guessing is 0.5 and perfect is 1 (McClish 1989, eq. 6)."""

    kind: Literal["partial_auc_faulty"] = "partial_auc_faulty"
    needs: ClassVar[frozenset[str]] = frozenset({SCORE})
    title: ClassVar[str] = "AUC of normal against faulty where false alarms are few"

    most_false_alarms: float = Field(default=0.1, gt=0, lt=1, description="false-alarm rate that the area goes up to")

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        most = self.most_false_alarms
        false_RK, found_RK = sheet.roc_RK
        cut_RK = np.minimum(false_RK, most)
        width, step, rise = np.diff(cut_RK), np.diff(false_RK), np.diff(found_RK)
        share = np.divide(width, step, out=np.zeros_like(step), where=step > 0)  # of each piece of the curve
        area = (width * (found_RK[:, :-1] + rise * share / 2)).sum(axis=1)
        least = most**2 / 2
        return np.asarray((1 + (area - least) / (most - least)) / 2)


PLUGIN = PartialAucFaulty
