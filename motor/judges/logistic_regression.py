"""Multinomial logistic regression with an L2 penalty (Hastie, Tibshirani and Friedman 2009, section 4.4)."""

from typing import Any, Literal

from pydantic import Field

from motor.judges.base import Classifier
from motor.lazy import sklearn


class LogisticRegression(Classifier):
    """Logistic regression on standardised columns."""

    kind: Literal["logistic_regression"] = "logistic_regression"

    inverse_penalty: float = Field(default=0.1, gt=0, description="scikit-learn's C")
    max_iter: int = Field(default=5000, ge=1, description="iterations of the solver, at most")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Classifier.estimator`); nothing in it is random."""
        from motor.judges.estimators.scaled import scaled

        return scaled(
            sklearn.linear_model.LogisticRegression(
                C=self.inverse_penalty, max_iter=self.max_iter, class_weight="balanced", random_state=seed
            )
        )


PLUGIN = LogisticRegression
