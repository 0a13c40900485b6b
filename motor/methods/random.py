"""What pretraining gives: embeddings of the same shapes with random weights (where the config has weights)."""

from typing import Literal

from motor.methods.base import Recipe


class Random(Recipe):
    kind: Literal["random"] = "random"
    folder: str = "control_embed_random"
    features: tuple[str, ...] = ("embedding",)
    backbone: Literal["config", "random", "linear"] = "random"


PLUGIN = Random
