"""Method C_regime: fine-tune on all classes; the features are the posterior of its regimes."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CRegime(FineTuned):
    kind: Literal["C_regime"] = "C_regime"
    folder: str = "methodC_regime_all_ft"
    labels: Labels = "all"
    features: tuple[str, ...] = ("regime",)
    control: str | None = "untrained_regime"


PLUGIN = CRegime
