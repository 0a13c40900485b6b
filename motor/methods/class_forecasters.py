"""One forecaster for each class: the residuals of all of them are the features."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class ClassForecasters(FineTuned):
    kind: Literal["class_forecasters"] = "class_forecasters"
    folder: str = "method_class_forecasters"
    labels: Labels = "each"
    features: tuple[str, ...] = ("residual",)
    control: str | None = "untrained_residual"


PLUGIN = ClassForecasters
