"""A balanced curriculum: of each class the surest, a few more each round (Zhang et al. 2021, FlexMatch)."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.pseudo_labels.base import LabelledSeries, Proposal, PseudoLabeller, Workshop, taken_of
from motor.pseudo_labels.parts.calibration import calibrated, sharpness_of


class Curriculum(PseudoLabeller):
    """Takes as great a share of each class that is predicted, the surest first: `share` of each in the last round."""

    kind: Literal["curriculum"] = "curriculum"

    share: float = Field(default=0.8, gt=0, le=1, description="of the series predicted to be of a class, in the end")
    rounds: int = Field(default=3, ge=1, description="in which the share grows evenly")

    def propose(self, known: LabelledSeries, X_MD: NDArray[Any], at: Workshop) -> Proposal:
        """Return labels by rounds of training (see `PseudoLabeller.propose`)."""
        taken, sharpness = np.zeros(len(X_MD), dtype=bool), sharpness_of(known, at)
        label_M, best_M = np.full(len(X_MD), None, dtype=object), np.full(len(X_MD), np.nan)
        for number in range(1, self.rounds + 1):
            more = X_MD[taken], label_M[taken], self.weight
            probability_MC = calibrated(known, more, X_MD, at, sharpness)
            best_M, named_M = probability_MC.max(axis=1), probability_MC.argmax(axis=1)
            label_M = np.array(at.classes, dtype=object)[named_M]
            taken = surest(best_M, named_M, self.share * number / self.rounds)
        return taken_of(taken, label_M, best_M, {"sharpness": sharpness})


def surest(best_M: NDArray[np.float64], named_M: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Tell which series are among the surest of their class, as great a share of each."""
    taken = np.zeros(len(best_M), dtype=bool)
    for one in np.unique(named_M):
        places = np.flatnonzero(named_M == one)
        order = places[np.argsort(-best_M[places], kind="stable")]
        taken[order[: int(share * len(order))]] = True
    return taken


PLUGIN = Curriculum
