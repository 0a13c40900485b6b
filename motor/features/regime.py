"""Feature `regime`: which regimes a state space model finds a series in, without having seen a label.

Shapes: B windows, L tokens, K regimes.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.features.base import ForecastFeature, WindowFeatures, mean_and_spread
from motor.lazy import pandas as pd


class Regime(ForecastFeature):
    """Each regime's posterior, its mean and spread over tokens; its entropy; how long one lasts, how often it ends.

    Columns ``regime_<k>``, ``regime_<k>_spread``, the same of its logarithm, ``regime_<k>_log`` and
    ``regime_<k>_log_spread`` (nats), ``regime_entropy`` (nats), ``regime_dwell`` (mean run of the likeliest regime, as
    a share of the tokens) and ``regime_transitions`` (share of tokens whose likeliest regime is another than the one
    before's); each as a mean over windows, and ``<name>_over_windows``, its standard deviation over them. A regime that
    is sure, or ruled out, shows by the logarithm alone how far from any doubt it is.
    """

    kind: Literal["regime"] = "regime"
    needs_future: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("regimes",)
    BEFORE: ClassVar[Mapping[str, Any]] = {"least": None}

    least: float | None = Field(
        default=1e-3, gt=0, lt=1, description="added to a posterior before its logarithm is taken; null: none is"
    )

    def per_window(self, forecaster: Any, batch: Any, sampling_rate_hz: float) -> WindowFeatures:
        """Describe the regimes of each window (see `ForecastFeature.per_window`)."""
        posterior_BLK = forecaster.forecast(batch).regimes_BLK.double().cpu().numpy()
        by_ending = {"": posterior_BLK}
        if self.least is not None:
            by_ending["_log"] = np.log(posterior_BLK + self.least)
        columns = {}
        for regime in range(posterior_BLK.shape[2]):
            for name, of_BLK in by_ending.items():
                columns[f"regime_{regime}{name}"] = of_BLK[..., regime].mean(axis=1)
                columns[f"regime_{regime}{name}_spread"] = of_BLK[..., regime].std(axis=1)
        columns |= {"regime_entropy": entropy(posterior_BLK).mean(axis=1), **runs(posterior_BLK.argmax(axis=2))}
        return WindowFeatures(pd.DataFrame(columns).astype(np.float32))

    def per_series(self, windows: WindowFeatures, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Pool each series' windows and add the domain (see `ForecastFeature.per_series`)."""
        return mean_and_spread(windows.frame, meta)


def entropy(posterior: np.ndarray) -> np.ndarray:
    """Return the entropy of distributions along the last axis, in nats."""
    return -(posterior * np.log(np.maximum(posterior, np.finfo(np.float64).tiny))).sum(axis=-1)


def runs(likeliest_BL: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean run and rate of changes of each window's likeliest regimes, both as shares of its tokens."""
    n_tokens = likeliest_BL.shape[1]
    n_changes_B = (np.diff(likeliest_BL, axis=1) != 0).sum(axis=1)
    return {"regime_dwell": 1 / (n_changes_B + 1), "regime_transitions": n_changes_B / max(1, n_tokens - 1)}


PLUGIN = Regime
