"""A support vector machine with a radial kernel (Cortes and Vapnik 1995, Machine Learning 20, 273-297)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from motor.judges.base import Classifier


class Svm(Classifier):
    """Support vector machine on standardised columns, with calibrated probabilities."""

    kind: Literal["svm"] = "svm"

    penalty: float = Field(default=10.0, gt=0, description="scikit-learn's C")
    gamma: Literal["scale", "auto"] | Annotated[float, Field(gt=0)] = Field(
        default="scale", description="width of the kernel"
    )
    n_calibration_folds: int = Field(default=5, ge=2, description="at most; fewer where a class has fewer rows")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Classifier.estimator`)."""
        from motor.judges.estimators.calibrated_svc import CalibratedSvc
        from motor.judges.estimators.scaled import scaled

        return scaled(
            CalibratedSvc(C=self.penalty, gamma=self.gamma, n_folds=self.n_calibration_folds, random_state=seed)
        )


PLUGIN = Svm
