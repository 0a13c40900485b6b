"""Surprise at the true class."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import PROBABILITIES, Sheet

LEAST = float(np.finfo(np.float64).eps)  # of a probability: one of 0 that comes true would cost without end


class LogLoss(Metric):
    """Mean of minus the natural logarithm of the true class' probability (Good, J. R. Stat. Soc. B 14, 1952)."""

    kind: Literal["log_loss"] = "log_loss"
    needs: ClassVar[frozenset[str]] = frozenset({PROBABILITIES})
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    title: ClassVar[str] = "log loss"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        assert sheet.probability_nC is not None
        true_n = sheet.probability_nC[np.arange(len(sheet.true_n)), sheet.true_n]
        loss_n = -np.log(np.clip(true_n, LEAST, 1 - LEAST))
        return np.asarray(sheet.weights_Rn @ loss_n / sheet.weights_Rn.sum(axis=1))


PLUGIN = LogLoss
