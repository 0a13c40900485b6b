"""Method C_distribution: fine-tune on all classes; the features are the scores of its distributions."""

from typing import Literal

from motor.methods.fine_tuned import FineTuned, Labels


class CDistribution(FineTuned):
    kind: Literal["C_distribution"] = "C_distribution"
    folder: str = "methodC_distribution_all_ft"
    labels: Labels = "all"
    features: tuple[str, ...] = ("distribution",)
    control: str | None = "untrained_distribution"


PLUGIN = CDistribution
