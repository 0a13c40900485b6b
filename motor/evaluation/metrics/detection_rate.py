"""Share of faulty series that raise an alarm."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.metrics.false_alarm_rate import alarm_rate, no_alarm
from motor.evaluation.sheet import ALARM, Sheet


class DetectionRate(Metric):
    """Faults caught at the cell's own thresholds."""

    kind: Literal["detection_rate"] = "detection_rate"
    needs: ClassVar[frozenset[str]] = frozenset({ALARM})
    title: ClassVar[str] = "faults caught"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        return alarm_rate(sheet, sheet.faulty_n)

    def undefined(self, sheet: Sheet) -> str | None:
        return no_alarm(sheet, sheet.faulty_n, "faulty")

    def classes_needed(self, sheet: Sheet) -> tuple[int, ...]:
        return tuple(place for place in range(len(sheet.classes)) if place != sheet.normal_place)


PLUGIN = DetectionRate
