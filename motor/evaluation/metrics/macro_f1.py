"""Mean F1 over the classes that have test series."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import Sheet


class MacroF1(Metric):
    """Macro-F1: every class weighs the same, however rare."""

    kind: Literal["macro_f1"] = "macro_f1"
    title: ClassVar[str] = "macro-F1"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        return resampling.macro_f1(sheet.confusions_RCC)

    def influence(self, sheet: Sheet) -> NDArray[np.float64]:
        return resampling.macro_f1_influence(sheet.confusions_MCC)

    def chance(self, sheet: Sheet) -> dict[str, float]:
        return resampling.chance_levels(np.bincount(sheet.true_n, minlength=len(sheet.classes)).astype(float))


PLUGIN = MacroF1
