"""Self-training: what the classifier is sure of, it learns from (Yarowsky 1995; calibrated each round, Wang 2023)."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.pseudo_labels.base import LabelledSeries, Proposal, PseudoLabeller, Workshop, taken_of
from motor.pseudo_labels.parts.calibration import calibrated, sharpness_of


class SelfTraining(PseudoLabeller):
    """Takes every series whose calibrated probability of a class is great enough, in rounds."""

    kind: Literal["self_training"] = "self_training"

    probability: float = Field(default=0.9, gt=0, lt=1, description="from which on a class is taken")
    rounds: int = Field(default=2, ge=1, description="each with a classifier of what the one before took")

    def propose(self, known: LabelledSeries, X_MD: NDArray[Any], at: Workshop) -> Proposal:
        """Return labels by rounds of training (see `PseudoLabeller.propose`)."""
        taken, sharpness = np.zeros(len(X_MD), dtype=bool), sharpness_of(known, at)
        label_M, best_M = np.full(len(X_MD), None, dtype=object), np.full(len(X_MD), np.nan)
        for _ in range(self.rounds):
            more = X_MD[taken], label_M[taken], self.weight
            probability_MC = calibrated(known, more, X_MD, at, sharpness)
            best_M = probability_MC.max(axis=1)
            taken = best_M >= self.probability
            label_M = np.array(at.classes, dtype=object)[probability_MC.argmax(axis=1)]
        return taken_of(taken, label_M, best_M, {"sharpness": sharpness})


PLUGIN = SelfTraining
