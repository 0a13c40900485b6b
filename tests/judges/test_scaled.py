import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from threadpoolctl import threadpool_info, threadpool_limits

from motor.judges.estimators.scaled import scaled


def most_threads() -> int:
    return max(library["num_threads"] for library in threadpool_info())


class Witness(ClassifierMixin, BaseEstimator):
    """Keeps the rows that it was given and the threads that it had."""

    def fit(self, X, y):
        self.X_, self.threads_, self.classes_ = X, most_threads(), np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), most_threads())

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), most_threads())


def test_scaled_runs_on_one_thread_and_gives_the_others_back():
    X = np.arange(6.0).reshape(3, 2)
    with threadpool_limits(limits=2):
        model = scaled(Witness()).fit(X, ["a", "b", "a"])
        threads = [model[-1].threads_, model.predict(X)[0], model.predict_proba(X)[0, 0], most_threads()]
    assert threads == [1, 1, 1, 2]


def test_scaled_columns_are_standard_and_a_constant_one_is_zero():
    X = np.column_stack([np.random.default_rng(0).normal(5, 3, 100), np.full(100, 0.1)])
    seen = scaled(Witness()).fit(X, ["a", "b"] * 50)[-1].X_
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(seen.std(axis=0), [1, 0], atol=1e-12)
