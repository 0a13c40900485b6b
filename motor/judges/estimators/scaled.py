"""Standardised columns, then an estimator, with linear algebra on one thread."""

from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits


class OneThreadPipeline(Pipeline):
    """A pipeline that fits and predicts on one thread.

    BLAS adds in another order with another number of threads, which changes the last bits (seen for
    LDA and the perceptron); and how many there are depends on the machine and on what Ray was asked
    for. At these sizes one thread is also the fastest wherever other work shares the cores.
    """

    def fit(self, X: Any, y: Any = None, **params: Any) -> "OneThreadPipeline":
        with threadpool_limits(limits=1):
            return super().fit(X, y, **params)

    def predict(self, X: Any, **params: Any) -> Any:
        with threadpool_limits(limits=1):
            return super().predict(X, **params)

    def predict_proba(self, X: Any, **params: Any) -> Any:
        with threadpool_limits(limits=1):
            return super().predict_proba(X, **params)

    def score_samples(self, X: Any) -> Any:
        with threadpool_limits(limits=1):
            return super().score_samples(X)


def scaled(estimator: Any) -> OneThreadPipeline:
    """Return `estimator` behind a scaler that sets every column to mean 0 and variance 1.

    A constant column becomes 0.
    """
    return OneThreadPipeline([("scale", StandardScaler()), ("classify", estimator)])
