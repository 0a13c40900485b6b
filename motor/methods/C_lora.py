"""Method C by adapters: all classes, the backbone frozen but for matrices of low rank beside its own (LoRA)."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CLora(FineTuned):
    kind: Literal["C_lora"] = "C_lora"
    folder: str = "methodC_embed_all_ft_lora"
    labels: Labels = "all"
    features: tuple[str, ...] = ("embedding",)
    lora_rank: int | None = 8
    control: str | None = "untrained"


PLUGIN = CLora
