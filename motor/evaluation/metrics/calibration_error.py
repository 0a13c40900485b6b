"""How far probabilities are from the shares that come true."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import PROBABILITIES, Sheet


class CalibrationError(Metric):
    """Expected calibration error of the likeliest class (Naeini et al., AAAI 2015; Guo et al., ICML 2017, eq. 3).

    Few series make it look greater than it is: a bin's share of hits is off by chance alone.
    """

    kind: Literal["calibration_error"] = "calibration_error"
    needs: ClassVar[frozenset[str]] = frozenset({PROBABILITIES})
    better: ClassVar[Literal["higher", "lower"]] = "lower"
    title: ClassVar[str] = "expected calibration error"

    n_bins: int = Field(default=10, ge=1, description="bins of equal width of the likeliest class' probability")

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        assert sheet.probability_nC is not None
        confidence_n = sheet.probability_nC.max(axis=1)
        excess_n = (sheet.probability_nC.argmax(axis=1) == sheet.true_n) - confidence_n
        bin_n = np.clip(np.ceil(confidence_n * self.n_bins).astype(int) - 1, 0, self.n_bins - 1)
        gaps = [np.abs(sheet.weights_Rn[:, bin_n == at] @ excess_n[bin_n == at]) for at in np.unique(bin_n)]
        return np.asarray(np.sum(gaps, axis=0) / sheet.weights_Rn.sum(axis=1))


PLUGIN = CalibrationError
