"""Share of the series of each fault that raise an alarm."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import ClassMetric
from motor.evaluation.metrics.false_alarm_rate import alarm_rate
from motor.evaluation.sheet import ALARM, Sheet


class DetectionByClass(ClassMetric):
    """Each fault caught at the cell's own thresholds; an alarm on a normal series detects nothing."""

    kind: Literal["detection_by_class"] = "detection_by_class"
    needs: ClassVar[frozenset[str]] = frozenset({ALARM})
    title: ClassVar[str] = "caught"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        places = range(len(sheet.classes))
        return np.stack([alarm_rate(sheet, sheet.true_n == place) for place in places], axis=1)

    def leaves_out(self, sheet: Sheet) -> frozenset[str]:
        return frozenset({sheet.normal})


PLUGIN = DetectionByClass
