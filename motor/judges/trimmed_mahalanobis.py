"""Mahalanobis distance that leaves the strangest training series out, twice (Rousseeuw and Van Driessen 1999)."""

from typing import Any, Literal

from pydantic import Field

from motor.judges.base import Detector


class TrimmedMahalanobis(Detector):
    """Mahalanobis distance, fitted again twice without the strangest training series.

    Where some of the series that it learns from are faulty unseen, the first fit takes their directions for usual ones;
    each further fit sees fewer of them.
    """

    kind: Literal["trimmed_mahalanobis"] = "trimmed_mahalanobis"

    shrinkage: Literal["ledoit_wolf", "oas"] = Field(
        default="ledoit_wolf", description="rule of how far the covariance is shrunk to a multiple of the identity"
    )
    leave_out: float = Field(default=0.25, gt=0, lt=0.5, description="share of the rows that further fits leave out")
    n_refits: int = Field(default=2, ge=1, description="further fits, each without the strangest of all rows by then")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`); nothing in it is random."""
        from motor.judges.estimators.scaled import scaled
        from motor.judges.estimators.shrunken_mahalanobis import ShrunkenMahalanobis

        return scaled(ShrunkenMahalanobis(self.shrinkage, self.leave_out, self.n_refits))


PLUGIN = TrimmedMahalanobis
