"""A plain rival of A: a linear autoregressive forecaster in the place of Chronos."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class Linear(FineTuned):
    kind: Literal["linear"] = "linear"
    folder: str = "baseline_linear_residual"
    labels: Literal["none", "normal", "all", "any", "each"] = "normal"
    features: tuple[str, ...] = ("residual",)
    backbone: Literal["config", "random", "linear"] = "linear"


PLUGIN = Linear
