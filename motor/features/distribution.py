"""Feature `distribution`: how the forecast distribution fits what came.

Shapes: B windows, H horizon, Q quantiles.
"""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.features.base import ForecastFeature, WindowFeatures, mean_and_spread
from motor.features.distribution_scores import covered, crps, energy_score, pit, tail_of_errors
from motor.features.residual_statistics import level_position
from motor.lazy import pandas as pd

STILL = 1e-6
"""A context that deviates less than this, in scaled units, is not divided by its deviation."""


class Distribution(ForecastFeature):
    """CRPS, energy score, integral transform, cover, and the tail of the error, in deviations of the context.

    Columns ``crps``, ``energy_score``, ``pit_mean``, ``pit_spread``, ``pit_outside`` (share beyond the outermost
    quantiles), ``cover`` (share within them), ``interval_width``, ``error_var_<tail>`` and ``error_cvar_<tail>`` (that
    quantile of the absolute error, and the mean beyond it); each as a mean over windows, and ``<name>_over_windows``,
    its standard deviation over them.
    """

    kind: Literal["distribution"] = "distribution"
    needs_future: ClassVar[bool] = True

    tail: float = Field(default=0.95, gt=0, lt=1, description="level of the tail of the absolute error")

    def per_window(self, forecaster: Any, batch: Any, sampling_rate_hz: float) -> WindowFeatures:
        """Score each window's forecast (see `ForecastFeature.per_window`).

        Raises
        ------
        ValueError
            If the futures are not as long as the horizon.
        """
        y_BH = batch.future_BH
        if y_BH is None or y_BH.shape[1] != forecaster.prediction_length:
            there = "no" if y_BH is None else y_BH.shape[1]
            raise ValueError(f"windows have {there} samples of future; expected {forecaster.prediction_length}")
        levels_Q = np.asarray(forecaster.quantile_levels, dtype=np.float64)
        scale_B1 = np.asarray(batch.context_BT, dtype=np.float64).std(axis=1, keepdims=True)
        scale_B1 = np.where(scale_B1 > STILL, scale_B1, 1.0)
        y_BH = np.asarray(y_BH, dtype=np.float64) / scale_B1
        forecast_BHQ = forecaster.predict_quantiles(batch).double().cpu().numpy() / scale_B1[..., None]
        columns = self._scores(y_BH, forecast_BHQ, levels_Q)
        return WindowFeatures(pd.DataFrame(columns).astype(np.float32))

    def _scores(self, y_BH: np.ndarray, forecast_BHQ: np.ndarray, levels_Q: np.ndarray) -> dict[str, np.ndarray]:
        pit_BH, within_BH = pit(y_BH, forecast_BHQ, levels_Q), covered(y_BH, forecast_BHQ)
        error_BH = np.abs(y_BH - forecast_BHQ[..., level_position(levels_Q.tolist(), 0.5)])
        value_at_risk_B, beyond_B = tail_of_errors(error_BH, self.tail)
        return {
            "crps": crps(y_BH, forecast_BHQ, levels_Q).mean(axis=1),
            "energy_score": energy_score(y_BH, forecast_BHQ),
            "pit_mean": pit_BH.mean(axis=1),
            "pit_spread": pit_BH.std(axis=1),
            "pit_outside": 1 - within_BH.mean(axis=1),
            "cover": within_BH.mean(axis=1),
            "interval_width": (forecast_BHQ[..., -1] - forecast_BHQ[..., 0]).mean(axis=1),
            f"error_var_{100 * self.tail:g}": value_at_risk_B,
            f"error_cvar_{100 * self.tail:g}": beyond_B,
        }

    def per_series(self, windows: WindowFeatures, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Pool each series' windows and add the domain (see `ForecastFeature.per_series`)."""
        return mean_and_spread(windows.frame, meta)


PLUGIN = Distribution
