"""Residual features: how the forecaster errs on a series (method A)."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.features import skill
from motor.features.base import ForecastFeature, WindowFeatures, check_series, domain_one_hot
from motor.features.residual_statistics import N_QUARTERS, SPANS, level_position, residual_features
from motor.features.sensor_pairs import partner_correlation
from motor.lazy import pandas as pd

DEFAULT_CUT_SAMPLES = 10
"""A horizon of so many samples has a frequency below the default cut, 0.2 of Nyquist."""


class Residual(ForecastFeature):
    """Errors of the forecast: size, by segment and quantile, correlation, spectrum, and by sensor.

    About 65 columns; which, the horizon alone decides. For each segment that grows from the forecast's origin (the
    first 1, 4, 16, 64, 256, 1024 samples, as far as the horizon is longer) and for the whole there are
    ``mae_first_<n>`` and ``mse_first_<n>`` in scaled units, ``context_mae_<segment>`` over the context's standard
    deviation and ``relative_mae_<segment>`` over the error of the mean forecast. Those named ``skill_...`` are for
    `motor.features.skill` alone.
    """

    kind: Literal["residual"] = "residual"
    needs_future: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    loss_levels: tuple[float, ...] = Field(
        default=(0.1, 0.5, 0.9), description="quantile losses; the forecaster must have these levels"
    )
    n_lags: int = Field(default=10, ge=1, description="lags of ACF and PACF, in samples")
    cut_hz: float | None = Field(default=None, gt=0, description="low against high energy; null: 0.2 of Nyquist")
    pooling: tuple[Literal["mean", "std"], ...] = Field(
        default=("mean",), min_length=1, description="of a series' windows; std adds columns ``<name>_std``"
    )

    def incompatibilities(
        self, prediction_length: int, quantile_levels: tuple[float, ...]
    ) -> Iterator[tuple[str, str]]:
        """Yield what cannot work: quantile levels that are not forecast, or a horizon too short (see `Feature`)."""
        lacking = [f"{level:g}" for level in self.loss_levels if level not in quantile_levels]
        if lacking:
            there = ", ".join(f"{level:g}" for level in quantile_levels)
            advice = "add them there, or take them out of features.residual.loss_levels"
            yield "quantile_levels", f"loss_levels {', '.join(lacking)} are not among quantile_levels {there}; {advice}"
        needed = {
            "the error of each quarter": N_QUARTERS,
            f"n_lags of {self.n_lags}": self.n_lags + 1,
            "the default cut_hz": DEFAULT_CUT_SAMPLES if self.cut_hz is None else 0,
        }
        why = max(needed, key=lambda name: needed[name])
        if prediction_length < needed[why]:
            short = f"a horizon of {prediction_length} samples is too short for feature residual"
            yield "prediction_length", f"{short}: {why} needs {needed[why]} samples or more"

    def per_window(self, forecaster: Any, batch: Any, sampling_rate_hz: float) -> WindowFeatures:
        """Forecast each window's horizon and describe the error (see `ForecastFeature.per_window`).

        Raises
        ------
        ValueError
            If the futures are not as long as the horizon, or the forecaster lacks a quantile level.
        """
        context_BT, y_BH = batch.context_BT, batch.future_BH
        if y_BH is None or y_BH.shape[1] != forecaster.prediction_length:
            there = "no" if y_BH is None else y_BH.shape[1]
            raise ValueError(f"windows have {there} samples of future; expected {forecaster.prediction_length}")
        side_by_side = batch._replace(context_BT=np.ascontiguousarray(context_BT))  # not a part of longer rows
        quantiles_BHQ = forecaster.predict_quantiles(side_by_side).cpu().numpy()
        levels = forecaster.quantile_levels
        frame = residual_features(
            y_BH, quantiles_BHQ, levels, sampling_rate_hz, self.loss_levels, self.n_lags, self.cut_hz
        )
        median_BH = quantiles_BHQ[..., level_position(levels, 0.5)]
        skills = skill.skill_columns(y_BH, median_BH, context_BT, SPANS)
        ratios = {**skill.context_errors(skills, context_BT), **skill.relative_errors(skills)}
        frame = pd.concat([frame, pd.DataFrame({**ratios, **skills})], axis=1)
        return WindowFeatures(frame.astype(np.float32), (y_BH - median_BH).astype(np.float32))

    def per_series(self, windows: WindowFeatures, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Pool each series' windows and add the other sensors and the domain (see `ForecastFeature.per_series`).

        ``cross_sensor_correlation`` and ``has_partner`` are there if any series has a partner; for
        a series without one both are 0. ``domain_is_...`` are there if there are several domains.
        """
        check_series(windows.frame, meta)
        kept = [column for column in windows.frame if not column.startswith(skill.PREFIX)]
        frame = windows.frame[kept].astype(np.float64)
        correlation = self._correlation(windows, meta)
        if correlation is not None:
            frame["cross_sensor_correlation"] = correlation
        grouped = frame.groupby(level="item")
        pooled = {"mean": grouped.mean, "std": lambda: grouped.std(ddof=0).add_suffix("_std")}
        series = pd.concat([pooled[way]() for way in dict.fromkeys(self.pooling)], axis=1).loc[meta["item"]].fillna(0.0)
        if "mean" in self.pooling:
            errors = windows.frame.filter(regex=f"^{skill.PREFIX}").astype(np.float64).groupby(level="item").mean()
            series = series.assign(**skill.relative_errors(errors.loc[meta["item"]]))
        if correlation is not None:
            series["has_partner"] = correlation.notna().groupby(level="item").any().astype(np.float64)
        return series.join(domain_one_hot(meta))

    @staticmethod
    def _correlation(windows: WindowFeatures, meta: "pd.DataFrame") -> "pd.Series | None":
        if windows.residuals_BH is None:
            raise ValueError("the windows come without residuals; keep `residuals_BH` of each part when joining them")
        return partner_correlation(windows.residuals_BH, windows.frame.index, meta)


PLUGIN = Residual
