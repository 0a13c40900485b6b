"""A ridge classifier with probabilities, calibrated on the left-out rows that its penalty was chosen by.

Shapes: N rows, C classes (targets: one column a class, or one in all with two classes).
"""

from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import RidgeClassifierCV
from sklearn.utils.class_weight import compute_sample_weight

from motor.judges.estimators.calibrated_svc import best_sharpness, two_sided


class CalibratedRidge(ClassifierMixin, BaseEstimator):
    """`RidgeClassifierCV` whose probabilities are softmax(sharpness * decision values).

    Ridge regression knows its leave-one-out errors without a second fit, and scikit-learn chooses the
    penalty by them. The decisions for left-out rows follow from them, and the sharpness is the one
    of least cross-entropy on those (temperature scaling; Guo et al. 2017, eq. 9), so no row is kept
    back and the likeliest class is always the ridge's own.

    The left-out rows can be of motors that are in the rest, so probabilities for new motors are too
    sure of themselves: calibration against motors is the caller's, who knows them.

    Parameters
    ----------
    alphas : tuple of float
        Penalties to choose from.
    """

    def __init__(self, alphas: tuple[float, ...]) -> None:
        self.alphas = alphas

    def fit(self, X: Any, y: Any) -> "CalibratedRidge":
        X, y = np.asarray(X, dtype=np.float64), np.asarray(y)
        self.ridge_ = RidgeClassifierCV(alphas=self.alphas, class_weight="balanced", store_cv_results=True).fit(X, y)
        self.classes_, positions_N = np.unique(y, return_inverse=True)
        self.sharpness_ = best_sharpness(two_sided(left_out_decisions(self.ridge_, X, positions_N)), positions_N)
        del self.ridge_.cv_results_  # one number a row and penalty, of no use from here on
        self.n_features_in_ = self.ridge_.n_features_in_
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        decision = self.ridge_.decision_function(np.asarray(X, dtype=np.float64))
        return softmax(self.sharpness_ * two_sided(decision), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]


def left_out_decisions(ridge: RidgeClassifierCV, X: np.ndarray, positions_N: np.ndarray) -> np.ndarray:
    """Return the decision values for each row of a ridge that was fitted on the others.

    scikit-learn keeps squares of the left-out errors, times the rows' weights. Their signs are those
    of the errors in sample, since the one is the other over 1 - leverage, which is positive (Hastie
    et al. 2009, eq. 7.64).

    Parameters
    ----------
    ridge : RidgeClassifierCV
        Fitted with balanced classes and `store_cv_results`.
    X : ndarray of shape (n_rows, n_columns)
        The rows that it was fitted on.
    positions_N : ndarray of shape (n_rows,)
        Their classes, as positions in `ridge.classes_`.

    Returns
    -------
    ndarray of shape (n_rows, n_classes), or (n_rows,) with two classes
    """
    squares = ridge.cv_results_[..., list(ridge.alphas).index(ridge.alpha_)].reshape(len(X), -1)
    errors = np.sqrt(squares / compute_sample_weight("balanced", positions_N)[:, None])
    fitted = ridge.decision_function(X).reshape(len(X), -1)
    is_class = positions_N[:, None] == (np.arange(fitted.shape[1]) if fitted.shape[1] > 1 else 1)
    target = np.where(is_class, 1.0, -1.0)
    decisions = target - np.sign(target - fitted) * errors
    return decisions if fitted.shape[1] > 1 else decisions[:, 0]
