"""How what a recipe leans on went over a motor's time, beside what it was when the motor was healthy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from motor.lazy import pandas as pd

MOST_COLUMNS, MOST_MOTORS, MOST_TIMES = 3, 12, 400
FEWEST_TIMES = 4
ALIKE = 0.9
"""Columns whose ranks agree so far tell the same: one of them is enough."""
DEVIATIONS = 3.0
"""Within which the band lies: of one healthy recording in a few hundred, were they normally spread."""
RANGE = (0.05, 0.95)


def leant_on(columns: "pd.DataFrame", score: np.ndarray, most: int = MOST_COLUMNS) -> list[str]:
    """Return the columns that a recipe's fault score follows most closely, the closest first.

    By the magnitude of Spearman's rank correlation over series, whatever the classifier; of columns that tell the same
    (0.9 among themselves) the first alone.

    Parameters
    ----------
    columns : DataFrame
        What the classifier saw, one row a series.
    score : ndarray of shape (n_series,)
        How faulty it took each to be.
    most : int
        Columns to return.
    """
    varying = columns.loc[:, columns.nunique() > 1]
    if varying.empty or np.ptp(score) == 0:
        return []
    ranks = varying.rank().to_numpy(np.float64)
    ranks = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
    of_score = _ranks(score)
    follows = np.abs(of_score @ ranks) / len(score)
    chosen: list[int] = []
    for place in np.argsort(-follows, kind="stable"):
        if all(abs(ranks[:, place] @ ranks[:, other]) / len(score) < ALIKE for other in chosen):
            chosen.append(int(place))
        if len(chosen) == most:
            break
    return [str(varying.columns[place]) for place in chosen]


def trends(values: "pd.DataFrame", meta: "pd.DataFrame", normal: str) -> list[dict[str, Any]]:
    """Return how columns went over time, motor by motor, those first that left their band by most.

    Parameters
    ----------
    values : DataFrame
        The columns, indexed by item.
    meta : DataFrame
        One row for each item of `values` in any order: item, motor, domain, label, recorded_at (seconds), and
        is_reference, whether it is its motor's own healthy reference.
    normal : str
        The healthy class.

    Returns
    -------
    list of dict
        Of motors with four times or more, at most twelve: `motor`, `domain`, `began` (seconds since 1970), `t_h` (hours
        since then), `label`, `is_reference`, `is_own` (whether the band is of the motor's own references), and
        `columns`: name, y, low, high. The band is the mean over the motor's references and three of their deviations,
        pooled over motors; of a motor without any, where the healthy series of all motors lie from 5 to 95 %.
    """
    dated = meta[meta["recorded_at"].notna() & meta["item"].isin(values.index)]
    found: list[tuple[float, dict[str, Any]]] = []
    for domain, of_domain in dated.groupby("domain", sort=False):
        spread = _pooled_deviation(values, of_domain[of_domain["is_reference"]])
        healthy = values.loc[of_domain.loc[of_domain["label"] == normal, "item"]]
        for motor, rows in of_domain.groupby("motor", sort=False):
            if rows["recorded_at"].nunique() >= FEWEST_TIMES:
                trend = _of_motor(values, rows.sort_values("recorded_at", kind="stable"), spread, healthy)
                found.append((_excursion(trend), {"motor": str(motor), "domain": str(domain), **trend}))
    found.sort(key=lambda one: -one[0])
    return [trend for _, trend in found[:MOST_MOTORS]]


def _ranks(values: np.ndarray) -> np.ndarray:
    ranks = pd.Series(values).rank().to_numpy(np.float64)
    return (ranks - ranks.mean()) / ranks.std()


def _pooled_deviation(values: "pd.DataFrame", references: "pd.DataFrame") -> "pd.Series":
    """Return how far one reference of a motor lies beside the mean of all of its, column by column; NaN if untold."""
    of_motor = values.loc[references["item"]].groupby(references["motor"].to_numpy())
    n_free = len(references) - of_motor.ngroups
    squares = (of_motor.var(ddof=0) * of_motor.size().to_numpy()[:, None]).sum()
    return np.sqrt(squares / n_free) if n_free else squares * np.nan


def _of_motor(
    values: "pd.DataFrame", rows: "pd.DataFrame", spread: "pd.Series", healthy: "pd.DataFrame"
) -> dict[str, Any]:
    """Return the trend of one motor, its rows in the order of time."""
    references = values.loc[rows.loc[rows["is_reference"], "item"]]
    is_own = bool(len(references)) and bool(spread.notna().all())
    low, high = healthy.quantile(RANGE[0]), healthy.quantile(RANGE[1])
    if is_own:
        low, high = references.mean() - DEVIATIONS * spread, references.mean() + DEVIATIONS * spread
    places = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_TIMES)).round().astype(int))
    shown = rows.iloc[places]
    began = float(rows["recorded_at"].iloc[0])
    return {
        "began": began,
        "t_h": [round(float(t - began) / 3600, 4) for t in shown["recorded_at"]],
        "label": [None if label != label else label for label in shown["label"]],
        "is_reference": shown["is_reference"].astype(bool).tolist(),
        "is_own": is_own,
        "columns": [
            {
                "name": name,
                "y": _plain(values.loc[shown["item"], name]),
                "low": _one(low[name]),
                "high": _one(high[name]),
            }
            for name in values
        ],
    }


def _excursion(trend: dict[str, Any]) -> float:
    """Return how far a motor's values leave their bands, in widths of the band."""
    far = [0.0]
    for column in trend["columns"]:
        if column["low"] is not None and column["high"] > column["low"]:
            y, width = np.array(column["y"], dtype=np.float64), column["high"] - column["low"]
            far.append(float(np.max(np.maximum(column["low"] - y, y - column["high"]), initial=0.0)) / width)
    return max(far)


def _plain(values: "pd.Series | Sequence[float]") -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def _one(value: float) -> float | None:
    return float(f"{value:.5g}") if np.isfinite(value) else None
