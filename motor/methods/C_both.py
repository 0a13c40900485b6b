"""Method C with both kinds of features: embeddings, and the residuals of the same forecaster."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CBoth(FineTuned):
    kind: Literal["C_both"] = "C_both"
    folder: str = "methodC_embed_residual_all_ft"
    labels: Labels = "all"
    features: tuple[str, ...] = ("embedding", "residual")
    control: str | None = "untrained_both"


PLUGIN = CBoth
