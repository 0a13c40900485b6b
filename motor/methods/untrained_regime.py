"""The control of C_regime: the same features of a forecaster that was not trained."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned


class UntrainedRegime(FineTuned):
    kind: Literal["untrained_regime"] = "untrained_regime"
    folder: str = "control_regime_untrained"
    features: tuple[str, ...] = ("regime",)


PLUGIN = UntrainedRegime
