"""A plain rival of A: a linear autoregressive forecaster in the place of Chronos."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class Linear(FineTuned):
    kind: Literal["linear"] = "linear"
    folder: str = "baseline_linear_residual"
    labels: Labels = "normal"
    features: tuple[str, ...] = ("residual",)
    backbone: Literal["config", "random", "linear"] = "linear"


PLUGIN = Linear
