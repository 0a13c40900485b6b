"""Deep SVDD (Ruff et al. 2018, ICML, 4393-4402), and its encoder as it is before any training."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.judges.base import Detector


class DeepSvdd(Detector):
    """Distance to the centre of an encoder that was trained to bring normal series close to it.

    The encoder is one of convolutions where the columns are an image (``scalogram``), of dense layers where not. It is
    trained by an autoencoder first. All rows at one point are an error that says so (collapse). On simulated motors its
    own steps added nothing to the encoder that it starts from: compare it with ``deep_svdd_untrained``, and with
    distances in plain columns.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("torch",)
    needs_rows: ClassVar[int] = 30

    kind: Literal["deep_svdd"] = "deep_svdd"

    boundary: Literal["one_class", "soft"] = Field(
        default="one_class", description="what is made small: the mean distance, or a sphere that leaves `nu` outside"
    )
    nu: float = Field(default=0.05, gt=0, lt=1, description="share of training series outside of a soft boundary")
    n_latent: int = Field(default=32, ge=2, description="values that a series becomes")
    n_pretrain_epochs: int = Field(default=40, ge=0, description="of the autoencoder")
    n_epochs: int = Field(default=40, ge=0, description="of the distance")
    batch_size: int = Field(default=64, ge=1, description="series a step")
    learning_rate: float = Field(default=1e-3, gt=0, description="Adam's")
    weight_decay: float = Field(default=1e-6, ge=0, description="Adam's")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Detector`)."""
        from motor.judges.estimators.deep.svdd import DeepSvdd as Estimator
        from motor.judges.estimators.scaled import scaled

        settings = self.model_dump(exclude={"kind", "fit_on"})
        return scaled(Estimator(**settings, random_state=seed))


class DeepSvddUntrained(DeepSvdd):
    """Deep SVDD with random weights, the control: training adds what the trained one is better by."""

    kind: Literal["deep_svdd_untrained"] = "deep_svdd_untrained"  # type: ignore[assignment]

    n_pretrain_epochs: int = Field(default=0, ge=0, description="of the autoencoder")
    n_epochs: int = Field(default=0, ge=0, description="of the distance")


PLUGINS = (DeepSvdd, DeepSvddUntrained)
