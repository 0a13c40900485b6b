"""Method C in two stages: B's fine-tune, then all classes with only the last layers free."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CTwoStage(FineTuned):
    kind: Literal["C_two_stage"] = "C_two_stage"
    folder: str = "methodC_embed_all_ft_two_stage"
    labels: Labels = "all"
    features: tuple[str, ...] = ("embedding",)
    start: str | None = "B"
    trainable_blocks: int | None = 2
    control: str | None = "untrained"


PLUGIN = CTwoStage
