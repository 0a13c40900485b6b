"""Method B: fine-tune on normal series alone; the encoder's embeddings are the features."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class B(FineTuned):
    kind: Literal["B"] = "B"
    folder: str = "methodB_embed_normal_ft"
    labels: Labels = "normal"
    features: tuple[str, ...] = ("embedding",)
    control: str | None = "untrained"


PLUGIN = B
