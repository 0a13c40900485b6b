"""One-class support vector machine (Schoelkopf et al. 2001, Neural Computation 13, 1443-1471)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from motor.judges.base import Detector
from motor.lazy import sklearn


class OneClassSvm(Detector):
    """A border around standardised normal rows, by a radial kernel."""

    kind: Literal["one_class_svm"] = "one_class_svm"

    nu: float = Field(default=0.1, gt=0, le=1, description="share of training rows that may lie outside, at most")
    gamma: Literal["scale", "auto"] | Annotated[float, Field(gt=0)] = Field(
        default="scale", description="width of the kernel"
    )

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`); nothing in it is random."""
        from motor.judges.estimators.scaled import scaled

        return scaled(sklearn.svm.OneClassSVM(nu=self.nu, gamma=self.gamma))


PLUGIN = OneClassSvm
