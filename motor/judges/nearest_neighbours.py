"""Distance to the nearest training rows (Ramaswamy, Rastogi and Shim 2000, SIGMOD; their mean as in Angiulli 2002)."""

from typing import Any, Literal

from pydantic import Field

from motor.judges.base import Detector


class NearestNeighbours(Detector):
    """Mean distance to the nearest standardised normal rows: nothing is assumed of their shape."""

    kind: Literal["nearest_neighbours"] = "nearest_neighbours"

    n_neighbors: int = Field(default=5, ge=1, description="rows that the distance is averaged over, at most")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`); nothing in it is random."""
        from motor.judges.estimators.detecting import NeighbourDistance
        from motor.judges.estimators.scaled import scaled

        return scaled(NeighbourDistance(n_neighbors=self.n_neighbors))


PLUGIN = NearestNeighbours
