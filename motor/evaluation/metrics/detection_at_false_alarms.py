"""Faults that are caught where a named share of normal series raises alarms."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import SCORE, Sheet


class DetectionAtFalseAlarms(Metric):
    """The ROC curve's height at a rate of false alarms, whatever thresholds the cell itself has.

    It looks at the test series to find the threshold, as no plant can: it compares judges, and promises nothing.
    """

    kind: Literal["detection_at_false_alarms"] = "detection_at_false_alarms"
    needs: ClassVar[frozenset[str]] = frozenset({SCORE})
    title: ClassVar[str] = "faults caught at a fixed false-alarm rate"

    false_alarm_rate: float = Field(default=0.05, gt=0, lt=1, description="share of normal series that raise an alarm")

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        false_RK, found_RK = sheet.roc_RK
        rate = self.false_alarm_rate
        curves = zip(false_RK, found_RK, strict=True)
        return np.array(
            [np.nan if np.isnan(false_K[0]) else np.interp(rate, false_K, found_K) for false_K, found_K in curves]
        )


PLUGIN = DetectionAtFalseAlarms
