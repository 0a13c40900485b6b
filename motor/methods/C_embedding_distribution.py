"""Method C with embeddings, and the scores of the same forecaster's distributions."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CEmbeddingDistribution(FineTuned):
    kind: Literal["C_embedding_distribution"] = "C_embedding_distribution"
    folder: str = "methodC_embed_distribution_all_ft"
    labels: Labels = "all"
    features: tuple[str, ...] = ("embedding", "distribution")
    control: str | None = "untrained_embedding_distribution"


PLUGIN = CEmbeddingDistribution
