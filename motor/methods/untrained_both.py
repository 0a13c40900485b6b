"""The control of C_both: embeddings and residuals of the backbone as it came, without any fine-tune."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class UntrainedBoth(FineTuned):
    kind: Literal["untrained_both"] = "untrained_both"
    folder: str = "control_embed_residual_untrained"
    features: tuple[str, ...] = ("embedding", "residual")


PLUGIN = UntrainedBoth
