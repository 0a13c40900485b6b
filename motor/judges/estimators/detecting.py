"""scikit-learn's detectors where rows are few: what counts rows is cut to those that there are."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.utils.validation import check_is_fitted, validate_data


class CappedIsolationForest(IsolationForest):
    """`IsolationForest` whose trees take all rows where there are fewer than they ask for."""

    max_samples: Any

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "CappedIsolationForest":
        asked: Any = self.max_samples
        self.max_samples = min(asked, len(X))
        try:
            return super().fit(X, y, sample_weight)
        finally:
            self.max_samples = asked


class CappedLocalOutlierFactor(LocalOutlierFactor):
    """`LocalOutlierFactor` that compares with all other rows where there are fewer than it asks for."""

    n_neighbors: Any

    def fit(self, X: Any, y: Any = None) -> "CappedLocalOutlierFactor":
        asked: Any = self.n_neighbors
        self.n_neighbors = max(1, min(asked, len(X) - 1))
        try:
            return super().fit(X, y)
        finally:
            self.n_neighbors = asked


class NeighbourDistance(BaseEstimator):
    """Minus the mean distance to the nearest training rows.

    Parameters
    ----------
    n_neighbors : int
        At most; no more than there are rows.
    """

    def __init__(self, n_neighbors: int) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: Any, y: Any = None) -> "NeighbourDistance":
        X = validate_data(self, X, dtype=np.float64)
        self.neighbours_ = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(X))).fit(X)
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        distances, _ = self.neighbours_.kneighbors(validate_data(self, X, dtype=np.float64, reset=False))
        return np.asarray(-distances.mean(axis=1))
