"""Forecast skill: the median forecast's error over that of the context's mean.

A report shows it beside accuracy, since residuals of a forecaster that never left the mean forecast
are the signal itself. Shapes: B windows, T context, H horizon.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from motor.features.base import check_series
from motor.features.residual_statistics import bounded_ratio
from motor.lazy import pandas as pd

PREFIX = "skill_"
"""Columns so named are for `forecast_skill`, not for a classifier."""
NEAR_SAMPLES = 64
RELATIVE = "relative_mae_"
"""Before the name of a segment: error over the mean forecast's."""


def skill_columns(
    y_BH: np.ndarray, median_BH: np.ndarray, context_BT: np.ndarray, spans: Sequence[int] = (NEAR_SAMPLES,)
) -> dict[str, np.ndarray]:
    """Return the MAE of the forecast and of the context's mean, by segment of the horizon.

    Parameters
    ----------
    y_BH, median_BH : ndarray of shape (n_windows, prediction_length)
        Measured and forecast.
    context_BT : ndarray of shape (n_windows, context_length)
        What the forecast was made from.
    spans : sequence of int
        Lengths of segments from the forecast's origin, in samples.

    Returns
    -------
    dict of ndarray of shape (n_windows,)
        ``skill_error_<segment>`` and ``skill_reference_<segment>``, for the segments ``whole`` and,
        of `spans` that the horizon is longer than, ``first_64`` and so on.
    """
    mean_B1 = context_BT.mean(axis=1, keepdims=True, dtype=np.float64)
    columns = {}
    for segment, n_samples in segments(y_BH.shape[1], spans).items():
        y = y_BH[:, :n_samples].astype(np.float64)
        columns[f"{PREFIX}error_{segment}"] = np.abs(y - median_BH[:, :n_samples]).mean(axis=1)
        columns[f"{PREFIX}reference_{segment}"] = np.abs(y - mean_B1).mean(axis=1)
    return columns


def segments(prediction_length: int, spans: Sequence[int] = (NEAR_SAMPLES,)) -> dict[str, int]:
    """Return the names of the segments that skill is given for, and their lengths from the origin in samples."""
    return {**{f"first_{span}": span for span in spans if span < prediction_length}, "whole": prediction_length}


def relative_errors(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return ``relative_mae_<segment>`` of each row from `skill_columns`: below 1 beats the mean forecast.

    Of one window and a segment of few samples it is a ratio of chance, large where the mean happened to be near. A
    series' own is therefore taken from its mean errors, not as the mean of its windows' ratios.
    """
    return {
        f"{RELATIVE}{segment}": bounded_ratio(
            np.asarray(columns[f"{PREFIX}error_{segment}"]), np.asarray(columns[f"{PREFIX}reference_{segment}"])
        )
        for segment in named_segments(columns)
    }


def context_errors(columns: Mapping[str, np.ndarray], context_BT: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``context_mae_<segment>`` of each window: its error over the standard deviation of its context.

    The mean forecast's error has the context's and the future's strength in it, this has the context's alone: a
    signal that grows after the origin shows here.

    Parameters
    ----------
    columns : mapping of ndarray of shape (n_windows,)
        From `skill_columns`.
    context_BT : ndarray of shape (n_windows, context_length)
    """
    deviation_B = context_BT.std(axis=1, dtype=np.float64)
    return {
        f"context_mae_{segment}": bounded_ratio(columns[f"{PREFIX}error_{segment}"], deviation_B)
        for segment in named_segments(columns)
    }


def named_segments(columns: Iterable[str]) -> list[str]:
    """Return the segments that there are columns of `skill_columns` for."""
    return [name.removeprefix(f"{PREFIX}error_") for name in columns if name.startswith(f"{PREFIX}error_")]


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
    check_series(frame, meta)
    items = frame.index.get_level_values("item")
    groups = meta.set_index("item", drop=False).loc[items].reset_index(drop=True)
    table = []
    for key, rows in groups.groupby(list(by), dropna=False):
        shared = {**dict(zip(by, key, strict=True)), "n_series": rows["item"].nunique(), "n_windows": len(rows)}
        for segment in named_segments(frame):
            errors = frame[[f"{PREFIX}error_{segment}", f"{PREFIX}reference_{segment}"]].iloc[rows.index]
            error, reference = errors.to_numpy(np.float64).mean(axis=0)
            table.append({**shared, "segment": segment, "error": error, "mean_forecast_error": reference})
    skill = pd.DataFrame(table)
    return skill.assign(
        relative_error=bounded_ratio(skill["error"].to_numpy(), skill["mean_forecast_error"].to_numpy())
    )
