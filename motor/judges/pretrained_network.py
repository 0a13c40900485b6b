"""A network whose encoder is trained without labels first, then unfrozen block by block with them."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.judges.base import Classifier


class PretrainedNetwork(Classifier):
    """A linear layer on the encoder that `deep_svdd` starts from, which is unfrozen block by block.

    The encoder is one of convolutions where the columns are an image (``scalogram``), of dense layers where not. It is
    trained by an autoencoder on all rows that the classifier learns from, pseudo-labelled ones among them.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("torch",)

    kind: Literal["pretrained_network"] = "pretrained_network"

    n_unfrozen: int = Field(default=2, ge=0, description="blocks of the encoder that are trained in the end; 0 is none")
    n_latent: int = Field(default=32, ge=2, description="values that a series becomes")
    n_pretrain_epochs: int = Field(default=40, ge=0, description="of the autoencoder; 0 starts from random weights")
    n_epochs: int = Field(default=40, ge=1, description="of the last layer alone, and again with each block")
    batch_size: int = Field(default=64, ge=1, description="series a step")
    learning_rate: float = Field(default=1e-3, gt=0, description="Adam's")
    weight_decay: float = Field(default=1e-4, ge=0, description="Adam's")

    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted estimator (see `Classifier.estimator`)."""
        from motor.judges.estimators.deep.classifier import PretrainedClassifier
        from motor.judges.estimators.scaled import scaled

        return scaled(PretrainedClassifier(**self.model_dump(exclude={"kind"}), random_state=seed))


PLUGIN = PretrainedNetwork
