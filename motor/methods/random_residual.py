"""What pretraining gives: residuals of the same shapes with random weights (where the config has weights)."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class RandomResidual(FineTuned):
    kind: Literal["random_residual"] = "random_residual"
    folder: str = "control_residual_random"
    features: tuple[str, ...] = ("residual",)
    backbone: Literal["config", "random", "linear"] = "random"


PLUGIN = RandomResidual
