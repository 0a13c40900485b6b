"""Local outlier factor (Breunig, Kriegel, Ng and Sander 2000, SIGMOD)."""

from typing import Any, Literal

from pydantic import Field

from motor.judges.base import Detector


class LocalOutlierFactor(Detector):
    """How much sparser a row lies among standardised normal rows than its neighbours do."""

    kind: Literal["local_outlier_factor"] = "local_outlier_factor"

    n_neighbors: int = Field(default=20, ge=1, description="neighbours that a row is compared with, at most")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`); nothing in it is random."""
        from motor.judges.estimators.detecting import CappedLocalOutlierFactor
        from motor.judges.estimators.scaled import scaled

        return scaled(CappedLocalOutlierFactor(n_neighbors=self.n_neighbors, novelty=True))


PLUGIN = LocalOutlierFactor
