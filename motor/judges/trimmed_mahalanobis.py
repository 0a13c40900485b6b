"""Mahalanobis distance that leaves the strangest training series out, twice (Rousseeuw and Van Driessen 1999)."""

from typing import Any, Literal

from pydantic import Field

from motor.judges.base import Detector


class TrimmedMahalanobis(Detector):
    """Mahalanobis distance, fitted again twice without the strangest training series.

    Where some of the series that it learns from are faulty unseen, the first fit takes their directions for usual ones;
    each further fit sees fewer of them. It standardises the columns anew by the series that are left: what faulty ones
    alone move is else divided by what they move it (AUROC on HIT-SM's orders with a fifth of faults: .45, not .84).
    `without_level` leaves out what moves all columns alike: a recording of few revolutions has higher lines everywhere,
    and is else stranger than any fault (.95, not .85); over both rigs together it costs (.64, not .79).
    """

    kind: Literal["trimmed_mahalanobis"] = "trimmed_mahalanobis"

    shrinkage: Literal["ledoit_wolf", "oas"] = Field(
        default="ledoit_wolf", description="rule of how far the covariance is shrunk to a multiple of the identity"
    )
    leave_out: float = Field(default=0.34, gt=0, lt=0.5, description="share of the rows that further fits leave out")
    n_refits: int = Field(default=2, ge=1, description="further fits, each without the strangest of all rows by then")
    least_deviation: float = Field(
        default=0.1, ge=0, le=1, description="of a column in further fits, as a share of that over all rows"
    )
    without_level: bool = Field(
        default=False,
        exclude_if=lambda value: not value,
        description="whether a row's mean over its standardised columns is taken off, where there are 16 or more",
    )

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`); nothing in it is random."""
        from motor.judges.estimators.scaled import scaled
        from motor.judges.estimators.shrunken_mahalanobis import ShrunkenMahalanobis

        given = self.model_dump(exclude={"kind", "fit_on"})
        return scaled(ShrunkenMahalanobis(**given))


PLUGIN = TrimmedMahalanobis
