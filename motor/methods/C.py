"""Method C: fine-tune on all classes; the encoder's embeddings are the features."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class C(FineTuned):
    kind: Literal["C"] = "C"
    folder: str = "methodC_embed_all_ft"
    labels: Labels = "all"
    features: tuple[str, ...] = ("embedding",)
    control: str | None = "untrained"


PLUGIN = C
