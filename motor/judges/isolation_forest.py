"""Isolation forest (Liu, Ting and Zhou 2008, ICDM): what random cuts part from the rest early is strange."""

from typing import Any, Literal

from pydantic import Field

from motor.judges.base import Detector


class IsolationForest(Detector):
    """Isolation forest: nothing is to be scaled; what is strange in few of many columns is easily missed."""

    kind: Literal["isolation_forest"] = "isolation_forest"

    n_estimators: int = Field(default=300, ge=1, description="trees")
    max_samples: int = Field(default=256, ge=2, description="rows of a tree, at most")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`)."""
        from motor.judges.estimators.detecting import CappedIsolationForest

        return CappedIsolationForest(
            n_estimators=self.n_estimators, max_samples=self.max_samples, random_state=seed, n_jobs=n_threads
        )


PLUGIN = IsolationForest
