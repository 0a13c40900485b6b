"""The control of C_gate: the same features of a forecaster that was not trained."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class UntrainedGate(FineTuned):
    kind: Literal["untrained_gate"] = "untrained_gate"
    folder: str = "control_gate_untrained"
    features: tuple[str, ...] = ("gate",)


PLUGIN = UntrainedGate
