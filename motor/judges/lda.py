"""Linear discriminant analysis with a shrunken covariance."""

from typing import Any, Literal

from motor.judges.base import Classifier


class Lda(Classifier):
    """Linear discriminant analysis; how far the covariance is shrunk follows from the data, so nothing is to be set."""

    kind: Literal["lda"] = "lda"

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Classifier.estimator`); nothing in it is random."""
        from motor.judges.estimators.pooled_lda import PooledLda
        from motor.judges.estimators.scaled import scaled

        return scaled(PooledLda())


PLUGIN = Lda
