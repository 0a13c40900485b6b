"""The control of C_distribution: the same features of a forecaster that was not trained."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class UntrainedDistribution(FineTuned):
    kind: Literal["untrained_distribution"] = "untrained_distribution"
    folder: str = "control_distribution_untrained"
    features: tuple[str, ...] = ("distribution",)


PLUGIN = UntrainedDistribution
