"""Share of normal series that raise an alarm."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import ALARM, Sheet


class FalseAlarmRate(Metric):
    """False alarms at the cell's own thresholds."""

    kind: Literal["false_alarm_rate"] = "false_alarm_rate"
    needs: ClassVar[frozenset[str]] = frozenset({ALARM})
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    title: ClassVar[str] = "false-alarm rate"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        return alarm_rate(sheet, ~sheet.faulty_n)

    def undefined(self, sheet: Sheet) -> str | None:
        return no_alarm(sheet, ~sheet.faulty_n, "normal")

    def classes_needed(self, sheet: Sheet) -> tuple[int, ...]:
        return (sheet.normal_place,)


def alarm_rate(sheet: Sheet, among_n: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of the chosen series that raise an alarm, under each row of weights: shape (R,)."""
    missing = np.full(len(sheet.weights_Rn), np.nan)
    if sheet.alarm_n is None:
        return missing
    weights = sheet.weights_Rn[:, among_n]
    total = weights.sum(axis=1)
    return np.divide(weights @ sheet.alarm_n[among_n].astype(float), total, out=missing, where=total > 0)


def no_alarm(sheet: Sheet, among_n: NDArray[np.bool_], side: str) -> str | None:
    """Say why there is no share of alarms among some series; None where there is."""
    if sheet.alarm_n is None:
        return "no threshold was applied"
    return None if among_n.any() else f"no {side} test series"


PLUGIN = FalseAlarmRate
