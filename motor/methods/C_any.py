"""Method C without labels: fine-tune on every training series, also on those whose class nobody knows."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CAny(FineTuned):
    kind: Literal["C_any"] = "C_any"
    folder: str = "methodC_embed_any_ft"
    labels: Labels = "any"
    features: tuple[str, ...] = ("embedding",)
    control: str | None = "untrained"


PLUGIN = CAny
