"""Mahalanobis distance with one shrunken covariance, for more columns than rows, too.

Shapes: N rows, D columns, K directions in which the rows vary (at most N and D).
"""

from typing import Any

import numpy as np
from scipy.linalg import svd
from sklearn.base import BaseEstimator
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.utils.validation import check_is_fitted, validate_data

STILL = 1e-12  # of the mean variance: rows that vary less do not vary
MANY = 16  # columns, of which one direction less is little


class ShrunkenMahalanobis(BaseEstimator):
    """Minus the Mahalanobis distance under (1 - s) S + s tr(S) / D, as scikit-learn's `LedoitWolf` and `OAS`.

    With fewer rows than columns at least 1 / N is shrunk: two rows show no other direction at all.

    The covariance, D by D, is never written down: it has K directions of its own, and is the same in all others. So
    ten thousand columns of some tens of rows take no more than the rows do.

    Parameters
    ----------
    shrinkage : {"ledoit_wolf", "oas"}
        Rule for s (Ledoit and Wolf, J. Multivariate Analysis 88, 2004; Chen et al., IEEE Trans. Signal Process. 58,
        2010, eq. 23).
    leave_out : float
        Share of the rows, the most distant, that a second fit is without; 0 fits once.
    n_refits : int
        How often it is fitted again so, each time without the most distant of all rows by then.
    least_deviation : float or None
        A further fit divides columns by their deviation over the rows that are left, but by no less than this share of
        that over all rows: a column that only strange rows move has been divided by what they move it. None leaves the
        columns as they come.
    without_level : bool
        Whether the mean over its columns is taken off each row, where there are `MANY`: what moves all of them alike.
    """

    def __init__(
        self,
        shrinkage: str,
        leave_out: float = 0.0,
        n_refits: int = 1,
        least_deviation: float | None = None,
        without_level: bool = False,
    ) -> None:
        self.shrinkage = shrinkage
        self.leave_out = leave_out
        self.n_refits = n_refits
        self.least_deviation = least_deviation
        self.without_level = without_level

    def fit(self, X: Any, y: Any = None) -> "ShrunkenMahalanobis":
        X_ND = self._levelled(validate_data(self, X, dtype=np.float64))
        self.scale_D_ = np.ones(X_ND.shape[1])
        self._fit(X_ND)
        n_left_out = int(self.leave_out * len(X_ND))
        for _ in range(self.n_refits if n_left_out else 0):
            nearest = np.argsort(-self._scores(X_ND), kind="stable")[: len(X_ND) - n_left_out]
            self.scale_D_ = self._scale(X_ND, X_ND[np.sort(nearest)])
            self._fit(X_ND[np.sort(nearest)] / self.scale_D_)
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self._scores(self._levelled(validate_data(self, X, dtype=np.float64, reset=False)))

    def _levelled(self, X_ND: np.ndarray) -> np.ndarray:
        if not self.without_level or X_ND.shape[1] < MANY:
            return X_ND
        return np.asarray(X_ND - X_ND.mean(axis=1, keepdims=True))

    def _scores(self, X_ND: np.ndarray) -> np.ndarray:
        centred_ND = X_ND / self.scale_D_ - self.mean_D_
        along_NK = centred_ND @ self.directions_KD_.T
        across_N = np.maximum((centred_ND**2).sum(axis=1) - (along_NK**2).sum(axis=1), 0.0)
        return np.asarray(-np.sqrt((along_NK**2 / self.variance_K_).sum(axis=1) + across_N / self.floor_))

    def _scale(self, X_ND: np.ndarray, kept_ND: np.ndarray) -> np.ndarray:
        """Return what further fits divide the columns by."""
        if self.least_deviation is None:
            return np.ones(X_ND.shape[1])
        scale_D = np.maximum(kept_ND.std(axis=0), self.least_deviation * X_ND.std(axis=0))
        return np.where(scale_D > STILL, scale_D, 1.0)

    def _fit(self, X_ND: np.ndarray) -> None:
        n_rows, n_columns = X_ND.shape
        self.mean_D_ = X_ND.mean(axis=0)
        centred_ND = X_ND - self.mean_D_
        _, singular_K, self.directions_KD_ = svd(centred_ND, full_matrices=False)
        own_K = singular_K**2 / n_rows
        mean = own_K.sum() / n_columns
        share = max(self._share(centred_ND, own_K, mean), 1 / n_rows if n_rows <= n_columns else 0.0)
        self.floor_ = max(share * mean, STILL * max(mean, STILL))
        self.variance_K_ = (1 - share) * own_K + self.floor_

    def _share(self, centred_ND: np.ndarray, own_K: np.ndarray, mean: float) -> float:
        """Return how far the covariance is shrunk, from 0 to 1."""
        n_rows, n_columns = centred_ND.shape
        if mean <= STILL or n_columns == 1:
            return 0.0
        if self.shrinkage == "ledoit_wolf":
            return float(ledoit_wolf_shrinkage(centred_ND, assume_centered=True))
        alpha = (own_K**2).sum() / n_columns**2  # the mean of the squared entries of S
        denominator = (n_rows + 1.0) * (alpha - mean**2 / n_columns)
        return 1.0 if denominator <= 0 else float(min((alpha + mean**2) / denominator, 1.0))
