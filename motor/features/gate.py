"""Feature `gate`: which branch of a hybrid forecaster explains a series.

Shapes: B windows, N branches.
"""

from typing import Any, ClassVar, Literal

import numpy as np

from motor.features.base import ForecastFeature, WindowFeatures, mean_and_spread
from motor.features.regime import entropy
from motor.lazy import pandas as pd


class Gate(ForecastFeature):
    """The gate's weight of each branch, and its entropy.

    Columns ``gate_<branch>`` and ``gate_entropy`` (nats); each as a mean over windows, and ``<name>_over_windows``, its
    standard deviation over them. Weights say which branch explains a series only where each has a loss of its own.
    """

    kind: Literal["gate"] = "gate"
    needs_future: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("gate",)

    def per_window(self, forecaster: Any, batch: Any, sampling_rate_hz: float) -> WindowFeatures:
        """Describe the gate of each window (see `ForecastFeature.per_window`)."""
        forecast = forecaster.forecast(batch)
        weight_BN = forecast.gate_BN.double().cpu().numpy()
        columns = {f"gate_{name}": weight_BN[:, place] for place, name in enumerate(forecast.branches)}
        return WindowFeatures(pd.DataFrame(columns | {"gate_entropy": entropy(weight_BN)}).astype(np.float32))

    def per_series(self, windows: WindowFeatures, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Pool each series' windows and add the domain (see `ForecastFeature.per_series`)."""
        return mean_and_spread(windows.frame, meta)


PLUGIN = Gate
