"""How much of a normal signal the forecaster does not foresee."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import FORECAST, Sheet


class ForecastError(Metric):
    """Error over the mean forecast's on normal test series, near the forecast's origin; 1 is no better than the mean.

    It is pooled over windows before it comes here, so no motors can be resampled: it has no interval.
    """

    kind: Literal["forecast_error"] = "forecast_error"
    needs: ClassVar[frozenset[str]] = frozenset({FORECAST})
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    title: ClassVar[str] = "forecast error over the mean's"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        segments = sorted({str(row["segment"]) for row in sheet.forecast}, key=lambda name: name == "whole")
        rows = [row for row in sheet.forecast if (row["label"], row["segment"]) == (sheet.normal, segments[0])]
        errors, of_mean = (
            sum(row[name] * row["n_windows"] for row in rows) for name in ("error", "mean_forecast_error")
        )
        values_R = np.full(len(sheet.weights_RM), np.nan)
        values_R[0] = errors / of_mean if of_mean else np.nan
        return values_R

    def undefined(self, sheet: Sheet) -> str | None:
        return "no normal test series was forecast"


PLUGIN = ForecastError
