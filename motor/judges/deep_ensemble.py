"""Deep SVDD and a variational autoencoder as one detector."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.judges.base import Detector
from motor.judges.deep_svdd import DeepSvdd
from motor.judges.vae import Vae


class DeepEnsemble(Detector):
    """The weighted mean of both detectors' scores, put on one scale by the scores of training series."""

    PACKAGES: ClassVar[tuple[str, ...]] = ("torch",)
    needs_rows: ClassVar[int] = 30

    kind: Literal["deep_ensemble"] = "deep_ensemble"

    svdd: DeepSvdd = Field(default=DeepSvdd(), description="settings of its Deep SVDD")
    autoencoder: Vae = Field(default=Vae(), description="settings of its autoencoder")
    weights: tuple[float, float] = Field(default=(0.6, 0.4), description="of Deep SVDD and of the autoencoder")
    combine: Literal["z", "rank"] = Field(default="z", description="deviations of scores, or their ranks with a tail")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`)."""
        from motor.judges.estimators.deep.ensemble import WeightedScores

        members = [judge.estimator(seed, n_threads) for judge in (self.svdd, self.autoencoder)]
        return WeightedScores(members, self.weights, self.combine)


PLUGIN = DeepEnsemble
