"""The control of A: residuals of the backbone as it came, without any fine-tune."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class UntrainedResidual(FineTuned):
    kind: Literal["untrained_residual"] = "untrained_residual"
    folder: str = "control_residual_untrained"
    features: tuple[str, ...] = ("residual",)


PLUGIN = UntrainedResidual
