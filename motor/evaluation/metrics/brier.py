"""Squared error of the probabilities."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric, squared_errors
from motor.evaluation.sheet import PROBABILITIES, Sheet


class Brier(Metric):
    """Brier score, summed over the classes: 0 to 2 (Brier, Monthly Weather Review 78, 1950)."""

    kind: Literal["brier"] = "brier"
    needs: ClassVar[frozenset[str]] = frozenset({PROBABILITIES})
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)
    title: ClassVar[str] = "Brier score"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        return np.asarray(sheet.weights_Rn @ squared_errors(sheet) / sheet.weights_Rn.sum(axis=1))


PLUGIN = Brier
