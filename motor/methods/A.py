"""Method A: fine-tune on normal series alone; the forecast's residuals are the features."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class A(FineTuned):
    kind: Literal["A"] = "A"
    folder: str = "methodA_residual_normal_ft"
    labels: Labels = "normal"
    features: tuple[str, ...] = ("residual",)
    control: str | None = "untrained_residual"


PLUGIN = A
