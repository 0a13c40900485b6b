"""Method A: fine-tune on normal series alone; the forecast's residuals are the features."""

from typing import Literal

from motor.methods.base import Recipe


class A(Recipe):
    kind: Literal["A"] = "A"
    folder: str = "methodA_residual_normal_ft"
    labels: Literal["none", "normal", "all"] = "normal"
    feature: str = "residual"


PLUGIN = A
