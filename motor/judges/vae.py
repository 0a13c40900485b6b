"""A variational autoencoder (Kingma and Welling 2014, ICLR) as a detector, and the same untrained."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.judges.base import Detector


class Vae(Detector):
    """The error with which a network that learned to reconstruct normal series reconstructs a series.

    With ``score: both`` the divergence of the latent values is added, times `kl_weight`; it is some twenty times the
    error then, so the score is the divergence's. On simulated motors the error alone was better.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("torch",)
    needs_rows: ClassVar[int] = 30

    kind: Literal["vae"] = "vae"

    score: Literal["reconstruction", "kl", "both"] = Field(default="reconstruction", description="what is strange")
    kl_weight: float = Field(default=0.1, ge=0, description="of the divergence, in the loss and in ``both``")
    n_latent: int = Field(default=16, ge=1, description="values that a series becomes")
    n_epochs: int = Field(default=80, ge=0, description="times that each series is seen")
    batch_size: int = Field(default=64, ge=1, description="series a step")
    learning_rate: float = Field(default=1e-3, gt=0, description="Adam's")
    weight_decay: float = Field(default=1e-6, ge=0, description="Adam's")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`)."""
        from motor.judges.estimators.deep.vae import Vae as Estimator
        from motor.judges.estimators.scaled import scaled

        return scaled(Estimator(**self.model_dump(exclude={"kind", "fit_on"}), random_state=seed))


class VaeUntrained(Vae):
    """The variational autoencoder with random weights, the control."""

    kind: Literal["vae_untrained"] = "vae_untrained"  # type: ignore[assignment]

    n_epochs: int = Field(default=0, ge=0, description="times that each series is seen")


PLUGINS = (Vae, VaeUntrained)
