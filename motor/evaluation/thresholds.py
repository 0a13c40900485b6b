"""The threshold between normal and faulty, by domain, chosen on validation motors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


@dataclass(frozen=True)
class Threshold:
    """An alarm is raised where a series' score (a classifier's is 1 - p(normal)) is greater than `value`.

    Attributes
    ----------
    value : float
        Between 0 and 1 for a classifier; for a detector in the unit of its score.
    normal : str
        The class of healthy series; a classifier's probability of it is looked at.
    by : str
        The column whose values have a threshold each.
    false_alarm_rate : float
        The rate that was asked for.
    n_series, n_motors : int
        The normal validation series and motors on which it rests.
    resolved : bool
        False where they are too few for the rate: the value is then the greatest score seen, or, with
        no normal series at all, what was given to `choose_thresholds`.
    """

    value: float
    normal: str
    by: str
    false_alarm_rate: float
    n_series: int
    n_motors: int
    resolved: bool


def choose_thresholds(
    validation: pd.DataFrame,
    normal: str,
    false_alarm_rate: float,
    by: str = "domain",
    also: tuple[str, ...] = (),
    without_normals: float = 0.5,
) -> dict[str, Threshold]:
    """Choose a threshold for each domain so that normal series raise at most the named share of alarms.

    The value is the k-th smallest score of the n normal validation series, k = ceil((n + 1)(1 - rate)):
    the expected false-alarm rate on further exchangeable series is then at most the named one (split
    conformal prediction; Lei et al., J. Am. Stat. Assoc. 113, 2018). Series of one motor are not
    independent, which is why the number of motors stands beside that of series.

    Parameters
    ----------
    validation : DataFrame
        One row a series that the classifier was not fitted on: `motor`, `label`, the column named by
        `by`, and `probability_<normal>` or `score`.
    normal : str
        The normal class.
    false_alarm_rate : float
        Between 0 and 1, exclusive.
    by : str, default "domain"
        The column whose values get a threshold each.
    also : tuple of str
        Values of `by` that need a threshold even where no validation series has them.
    without_normals : float, default 0.5
        The threshold where no normal series says a better one; by default faulty is more probable than normal.

    Raises
    ------
    ValueError
        If a column is missing, the rate is not between 0 and 1, or a probability is not a number.
    """
    if not 0 < false_alarm_rate < 1:
        raise ValueError(f"false_alarm_rate is {false_alarm_rate!r}; it must lie between 0 and 1, say 0.05")
    _require_columns(validation, (by, "motor", "label", _score_column(validation, normal)))
    normals = validation[validation["label"] == normal]
    return {
        name: _threshold(normals[normals[by] == name], normal, by, false_alarm_rate, without_normals)
        for name in sorted({*validation[by].astype(str), *also})
    }


def apply_thresholds(predictions: pd.DataFrame, thresholds: Mapping[str, Threshold]) -> NDArray[np.bool_]:
    """Tell which series raise an alarm.

    Parameters
    ----------
    predictions : DataFrame
        One row a series, with the thresholds' `by` column and `probability_<normal>` or `score`.
    thresholds : dict
        From `choose_thresholds`.

    Returns
    -------
    ndarray of bool, shape (n_series,)

    Raises
    ------
    ValueError
        If a domain has no threshold.
    """
    alarm = np.zeros(len(predictions), dtype=bool)
    if not len(predictions):
        return alarm
    if not thresholds:
        raise ValueError("there are no thresholds; choose them with choose_thresholds first")
    rule = next(iter(thresholds.values()))
    _require_columns(predictions, (rule.by, _score_column(predictions, rule.normal)))
    names = predictions[rule.by].astype(str).to_numpy()
    if missing := sorted(set(names) - set(thresholds)):
        raise ValueError(
            f"no threshold for {rule.by} {missing}; there are: {sorted(thresholds)}; "
            f"name it in choose_thresholds(also=...)"
        )
    limits = np.array([thresholds[name].value for name in names])
    return _scores(predictions, rule.normal) > limits


def _threshold(
    normals: pd.DataFrame, normal: str, by: str, false_alarm_rate: float, without_normals: float
) -> Threshold:
    """Take the conservative quantile of the normal scores of one domain."""
    scores = np.sort(_scores(normals, normal))
    # The small slack keeps (n + 1)(1 - rate) from being lifted past a whole number by rounding.
    rank = math.ceil((len(scores) + 1) * (1 - false_alarm_rate) - 1e-9)
    value = float(scores[min(rank, len(scores)) - 1]) if len(scores) else without_normals
    n_motors = int(normals["motor"].nunique())
    return Threshold(value, normal, by, false_alarm_rate, len(scores), n_motors, resolved=rank <= len(scores))


def _scores(table: pd.DataFrame, normal: str) -> NDArray[np.float64]:
    column = _score_column(table, normal)
    values = table[column].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        what = "score" if column == "score" else "probability"
        raise ValueError(f"{column} is {values[row]} in row {row}; every {what} must be a number")
    return values if column == "score" else 1.0 - values


def _score_column(table: pd.DataFrame, normal: str) -> str:
    """Return the column that tells how strange a series is: a detector's own, or a classifier's p(normal)."""
    return "score" if "score" in table.columns else f"probability_{normal}"


def _require_columns(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    if missing := [column for column in columns if column not in table.columns]:
        raise ValueError(f"the table lacks the columns {missing}; it has: {sorted(map(str, table.columns))}")
