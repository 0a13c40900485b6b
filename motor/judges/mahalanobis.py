"""Mahalanobis distance with a shrunken covariance (Ledoit and Wolf 2004; Chen, Wiesel, Eldar and Hero 2010)."""

from typing import Any, Literal

from pydantic import Field

from motor.judges.base import Detector


class Mahalanobis(Detector):
    """Distance from the mean of standardised normal rows, in all directions by how much they vary there.

    How far the covariance is shrunk follows from the data. With `leave_out` the strangest share of the rows is left
    out and the rest fitted again: where some of the training series are faulty unseen, little is lost by it.
    """

    kind: Literal["mahalanobis"] = "mahalanobis"

    shrinkage: Literal["ledoit_wolf", "oas"] = Field(
        default="ledoit_wolf", description="rule of how far the covariance is shrunk to a multiple of the identity"
    )
    leave_out: float = Field(
        default=0.0, ge=0, lt=0.5, description="share of the rows that a second fit leaves out, the strangest"
    )

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`); nothing in it is random."""
        from motor.judges.estimators.scaled import scaled
        from motor.judges.estimators.shrunken_mahalanobis import ShrunkenMahalanobis

        return scaled(ShrunkenMahalanobis(shrinkage=self.shrinkage, leave_out=self.leave_out))


PLUGIN = Mahalanobis
