"""Forecast errors over the mean forecast's, and how far they could move with other motors."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.resampling import motor_weights, percentile_interval, strata_degrees_of_freedom

Rows = Sequence[Mapping[str, Any]]


class Estimate(NamedTuple):
    """A figure with its interval over motors; None where a class rests on one motor."""

    value: float
    interval: tuple[float, float] | None


def error_ratios(rows: Rows, plain: Rows | None = None) -> tuple[Estimate, Estimate | None]:
    """Return an error over the mean forecast's, and its difference to a plain forecaster's on the same motors.

    Motors are resampled within their class, those of both alike (see `motor.evaluation.resampling.motor_weights`).

    Parameters
    ----------
    rows, plain : sequence of mappings
        `motor`, `label`, `n_windows`, `mae` and `mean_mae`, means over a motor's windows. The difference is None
        without `plain`, or where it is of other motors.
    """
    sums, of_plain = _sums(rows), _sums(plain or ())
    strata = [labels for labels, _ in sums.values()]
    weights_RM = motor_weights(strata)
    ratio_R, difference = _ratio(weights_RM, sums), None
    if of_plain and sums.keys() == of_plain.keys():
        difference = _estimate(ratio_R - _ratio(weights_RM, of_plain), strata)
    return _estimate(ratio_R, strata), difference


def _sums(rows: Rows) -> dict[str, tuple[tuple[str, ...], NDArray[np.float64]]]:
    """Return of each motor its classes, and its errors and the mean forecast's, added up over windows."""
    sums: dict[str, tuple[tuple[str, ...], NDArray[np.float64]]] = {}
    for row in sorted(rows, key=lambda row: (row["motor"], row["label"])):
        labels, sum_2 = sums.get(row["motor"], ((), np.zeros(2)))
        added_2 = row["n_windows"] * np.array([row["mae"], row["mean_mae"]])
        sums[row["motor"]] = (tuple(dict.fromkeys((*labels, row["label"]))), sum_2 + added_2)
    return sums


def _ratio(weights_RM: NDArray[np.float64], sums: Mapping[str, Any]) -> NDArray[np.float64]:
    sum_R2 = weights_RM @ np.stack([sum_2 for _, sum_2 in sums.values()])
    return np.divide(sum_R2[:, 0], sum_R2[:, 1], out=np.full(len(sum_R2), np.nan), where=sum_R2[:, 1] > 0)


def _estimate(values_R: NDArray[np.float64], strata: Sequence[tuple[str, ...]]) -> Estimate:
    is_lone = min(Counter(strata).values()) < 2
    interval = None if is_lone else percentile_interval(values_R, strata_degrees_of_freedom(strata))
    return Estimate(float(values_R[0]), interval)
