"""Method C_gate: fine-tune on all classes; the features are the weights of its branches."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CGate(FineTuned):
    kind: Literal["C_gate"] = "C_gate"
    folder: str = "methodC_gate_all_ft"
    labels: Labels = "all"
    features: tuple[str, ...] = ("gate",)
    control: str | None = "untrained_gate"


PLUGIN = CGate
