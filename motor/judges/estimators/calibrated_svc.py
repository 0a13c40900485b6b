"""A support vector machine with probabilities that hold with few rows.

Shapes: N rows, C classes.
"""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

LOG_SHARPNESS_BOUNDS = (-5.0, 5.0)


class CalibratedSvc(ClassifierMixin, BaseEstimator):
    """SVC whose probabilities are softmax(sharpness * decision values).

    One number is fitted on decisions for rows left out (temperature scaling; Guo et al. 2017, eq. 9),
    so the likeliest class is always the SVC's own. Platt's two numbers for each class, which
    scikit-learn's `SVC(probability=True)` and `CalibratedClassifierCV` fit, can turn the order
    round where a class has few rows. Targets are smoothed as Platt (1999) does, so that
    perfectly parted training rows do not end in certainty.

    The left-out rows can be of motors that are in the rest, so probabilities for new motors
    are too sure of themselves: calibration against motors is the caller's, who knows them.

    Parameters
    ----------
    C, gamma : as in `sklearn.svm.SVC`
    n_folds : int
        At most; no more than the rows of the rarest class. With one row in a class the sharpness is 1.
    random_state : int
        Of the folds.
    """

    def __init__(self, C: float, gamma: float | str, n_folds: int, random_state: int) -> None:
        self.C = C
        self.gamma = gamma
        self.n_folds = n_folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> "CalibratedSvc":
        model = SVC(C=self.C, gamma=self.gamma, class_weight="balanced", break_ties=True)
        classes, positions, counts = np.unique(y, return_inverse=True, return_counts=True)
        self.sharpness_ = 1.0
        n_folds = min(self.n_folds, counts.min())
        if n_folds >= 2:
            folds = StratifiedKFold(n_folds, shuffle=True, random_state=self.random_state)
            left_out = cross_val_predict(model, X, y, cv=folds, method="decision_function")
            self.sharpness_ = best_sharpness(two_sided(left_out), positions)
        self.svc_ = model.fit(X, y)
        self.classes_ = classes
        self.n_features_in_ = self.svc_.n_features_in_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        return softmax(self.sharpness_ * two_sided(self.svc_.decision_function(X)), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


def two_sided(decision: np.ndarray) -> np.ndarray:
    """Return decision values with a column for each class, (N, C); for two classes scikit-learn gives one, (N,)."""
    return np.column_stack([-decision / 2, decision / 2]) if decision.ndim == 1 else decision


def best_sharpness(decision_NC: np.ndarray, positions_N: np.ndarray) -> float:
    """Return the sharpness of least cross-entropy to smoothed targets, every class weighing the same."""
    n_rows, n_classes = decision_NC.shape
    smoothing = n_classes / (n_rows + n_classes)
    target_NC = (1 - smoothing) * np.eye(n_classes)[positions_N] + smoothing / n_classes
    weight_N = compute_sample_weight("balanced", positions_N)

    def loss(log_sharpness: float) -> float:
        return float(-(weight_N[:, None] * target_NC * log_softmax(np.exp(log_sharpness) * decision_NC, axis=1)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=LOG_SHARPNESS_BOUNDS, method="bounded").x))
