"""Forecast skill: the median forecast's error over that of the context's mean.

A report shows it beside accuracy, since residuals of a forecaster that never left the mean forecast
are the signal itself. Shapes: B windows, T context, H horizon.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from motor.features.base import check_series
from motor.features.residual_statistics import bounded_ratio

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "skill_"
"""Columns so named are for `forecast_skill`, not for a classifier."""
NEAR_SAMPLES = 64


def skill_columns(y_BH: np.ndarray, median_BH: np.ndarray, context_BT: np.ndarray) -> dict[str, np.ndarray]:
    """Return the MAE of the forecast and of the context's mean, by segment of the horizon.

    Parameters
    ----------
    y_BH, median_BH : ndarray of shape (n_windows, prediction_length)
        Measured and forecast.
    context_BT : ndarray of shape (n_windows, context_length)
        What the forecast was made from.

    Returns
    -------
    dict of ndarray of shape (n_windows,)
        ``skill_error_<segment>`` and ``skill_reference_<segment>``, for the segments ``whole`` and,
        where the horizon is longer, ``first_64``.
    """
    mean_B1 = context_BT.mean(axis=1, keepdims=True, dtype=np.float64)
    columns = {}
    for segment, n_samples in segments(y_BH.shape[1]).items():
        y = y_BH[:, :n_samples].astype(np.float64)
        columns[f"{PREFIX}error_{segment}"] = np.abs(y - median_BH[:, :n_samples]).mean(axis=1)
        columns[f"{PREFIX}reference_{segment}"] = np.abs(y - mean_B1).mean(axis=1)
    return columns


def segments(prediction_length: int) -> dict[str, int]:
    """Return the names of the segments that skill is given for, and their lengths from the origin in samples."""
    near = {f"first_{NEAR_SAMPLES}": NEAR_SAMPLES} if prediction_length > NEAR_SAMPLES else {}
    return {**near, "whole": prediction_length}


def relative_errors(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return ``relative_mae_<segment>`` of each window from `skill_columns`: below 1 beats the mean forecast."""
    names = [name.removeprefix(f"{PREFIX}error_") for name in columns if name.startswith(f"{PREFIX}error_")]
    return {
        f"relative_mae_{segment}": bounded_ratio(
            columns[f"{PREFIX}error_{segment}"], columns[f"{PREFIX}reference_{segment}"]
        )
        for segment in names
    }


def forecast_skill(frame: "pd.DataFrame", meta: "pd.DataFrame", by: Sequence[str] = ("label",)) -> "pd.DataFrame":
    """Return skill by group and segment, over all windows of each group.

    Parameters
    ----------
    frame : DataFrame with index ('item', 'window')
        Joined windows of a feature that forecasts, with the columns of `skill_columns`.
    meta : DataFrame
        The series of `frame`, with column item and those of `by`. For figures to quote, give
        held-out series alone.
    by : sequence of str
        Columns of `meta` to group by.

    Returns
    -------
    DataFrame
        Columns `by`, n_series, n_windows, segment, error and mean_forecast_error (MAE in scaled
        units), relative_error (the first over the second; below 1 beats the mean forecast).

    Raises
    ------
    ValueError
        If a series has no windows, or windows have no series.
    """
    import pandas as pd

    check_series(frame, meta)
    items = frame.index.get_level_values("item")
    groups = meta.set_index("item", drop=False).loc[items].reset_index(drop=True)
    names = [column.removeprefix(f"{PREFIX}error_") for column in frame if column.startswith(f"{PREFIX}error_")]
    table = []
    for key, rows in groups.groupby(list(by), dropna=False):
        shared = {**dict(zip(by, key, strict=True)), "n_series": rows["item"].nunique(), "n_windows": len(rows)}
        for segment in names:
            errors = frame[[f"{PREFIX}error_{segment}", f"{PREFIX}reference_{segment}"]].iloc[rows.index]
            error, reference = errors.to_numpy(np.float64).mean(axis=0)
            table.append({**shared, "segment": segment, "error": error, "mean_forecast_error": reference})
    skill = pd.DataFrame(table)
    return skill.assign(
        relative_error=bounded_ratio(skill["error"].to_numpy(), skill["mean_forecast_error"].to_numpy())
    )
