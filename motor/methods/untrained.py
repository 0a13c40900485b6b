"""The control of B and C: embeddings of the backbone as it came, without any fine-tune."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class Untrained(FineTuned):
    kind: Literal["untrained"] = "untrained"
    folder: str = "control_embed_untrained"
    features: tuple[str, ...] = ("embedding",)


PLUGIN = Untrained
