"""The control of C_embedding_distribution: the same features of a forecaster that was not trained."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class UntrainedEmbeddingDistribution(FineTuned):
    kind: Literal["untrained_embedding_distribution"] = "untrained_embedding_distribution"
    folder: str = "control_embed_distribution_untrained"
    features: tuple[str, ...] = ("embedding", "distribution")


PLUGIN = UntrainedEmbeddingDistribution
