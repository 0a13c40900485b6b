"""Fit any classifier on weighted series, also one that knows no weights: rows are repeated.

A row that weighs 2 is the row twice, one that weighs 0 is none, by construction. Halves and thirds are made whole: with
weights of 1 and 0.5 the first stand twice, the others once. Classes weigh alike in every classifier, so this moves no
balance; rules that count rows (rows of a leaf, the left-out row of a ridge) see the repeated ones.

Shapes: N rows, D columns.
"""

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

FINEST = 8  # weights are rounded to a multiple of one over a number up to it


def counts_of(weight_N: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how often each row stands, in whole numbers that are as the weights are to one another.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all are 0.
    """
    weight_N = np.asarray(weight_N, dtype=np.float64)
    if not np.isfinite(weight_N).all() or (weight_N < 0).any():
        raise ValueError(f"weights go from {weight_N.min()} to {weight_N.max()}; allowed: finite ones from 0 up")
    if not weight_N.any():
        raise ValueError("all weights are 0; needed is a row that weighs something")
    fractions = {weight: Fraction(weight).limit_denominator(FINEST) for weight in set(weight_N.tolist())}
    whole = lcm(*(one.denominator for one in fractions.values()))
    return np.array([int(fractions[weight] * whole) for weight in weight_N.tolist()], dtype=np.int64)


def fitted_with_weights(estimator: Any, X_ND: NDArray[Any], y_N: Any, weight_N: NDArray[np.float64]) -> Any:
    """Fit a classifier on rows that weigh differently."""
    rows = np.repeat(np.arange(len(X_ND)), counts_of(weight_N))
    return estimator.fit(X_ND[rows], np.asarray(y_N, dtype=object)[rows].astype(str))
