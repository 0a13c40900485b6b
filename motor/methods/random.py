"""What pretraining gives: embeddings of the same shapes with random weights (where the config has weights)."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class Random(FineTuned):
    kind: Literal["random"] = "random"
    folder: str = "control_embed_random"
    features: tuple[str, ...] = ("embedding",)
    backbone: Literal["config", "random", "linear"] = "random"


PLUGIN = Random
