"""Ridge regression on class membership (Hoerl and Kennard 1970, Technometrics 12, 55-67), as MiniRocket's authors use.

Dempster, Schmidt and Webb (KDD 2021): with thousands of columns and few rows nothing else is needed.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from motor.judges.base import Classifier


class Ridge(Classifier):
    """Ridge classifier on standardised columns; its penalty is chosen by leave-one-out errors, at no cost."""

    kind: Literal["ridge"] = "ridge"

    penalties: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = Field(
        default=(1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5),
        description="scikit-learn's alphas, of which the one of least left-out error is taken",
    )

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Classifier.estimator`); nothing in it is random."""
        from motor.judges.estimators.calibrated_ridge import CalibratedRidge
        from motor.judges.estimators.scaled import scaled

        return scaled(CalibratedRidge(alphas=self.penalties))


PLUGIN = Ridge
