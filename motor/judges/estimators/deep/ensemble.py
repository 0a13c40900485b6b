"""Combine two detectors into one, their scores put on one scale by the scores of training rows.

Shapes: N rows, D columns.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

TAIL = 0.9  # quantile of the training scores from which on ranks are continued by a tail


class WeightedScores(BaseEstimator):
    """The weighted mean of detectors' scores.

    Parameters
    ----------
    members : list of estimators
        With ``score_samples``, greater for the normal.
    weights : tuple of float
    combine : {"z", "rank"}
        Deviations from the mean of training scores; or minus the logarithm of the share of training scores that are
        stranger, which goes on beyond the strangest of them by an exponential tail.
    """

    def __init__(self, members: list[Any], weights: tuple[float, ...], combine: str) -> None:
        self.members = members
        self.weights = weights
        self.combine = combine

    def fit(self, X: Any, y: Any = None) -> "WeightedScores":
        self.members_ = [member.fit(X) for member in self.members]
        self.training_ = [np.sort(-member.score_samples(X)) for member in self.members_]
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        alike = z_scores if self.combine == "z" else log_ranks
        parts = [
            weight * alike(-member.score_samples(X), training_N)
            for weight, member, training_N in zip(self.weights, self.members_, self.training_, strict=True)
        ]
        return np.asarray(-sum(parts))


def z_scores(score_n: NDArray[np.float64], training_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how many deviations of training scores (N,) each score (n,) lies over their mean: (n,)."""
    deviation = float(training_N.std())
    return np.asarray((score_n - training_N.mean()) / (deviation if deviation > 0 else 1.0))


def log_ranks(score_n: NDArray[np.float64], training_N: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return minus the log of the share of training scores (N,) over each score, with an exponential tail: (n,)."""
    start = float(np.quantile(training_N, TAIL))
    excess_k = training_N[training_N > start] - start
    scale = float(excess_k.mean()) if len(excess_k) else 0.0
    under_n = np.searchsorted(training_N, np.minimum(score_n, start), side="right") / (1 + len(training_N))
    beyond_n = np.maximum(score_n - start, 0) / scale if scale > 0 else np.zeros(len(score_n))
    return np.asarray(-np.log1p(-np.minimum(under_n, TAIL)) + beyond_n)
