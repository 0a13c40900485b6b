"""Area under the ROC curve of each class against the rest, averaged."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import PROBABILITIES, Sheet


class RocAucMacro(Metric):
    """Mean over all classes of their areas; undefined where a class has no test series."""

    kind: Literal["roc_auc_macro"] = "roc_auc_macro"
    needs: ClassVar[frozenset[str]] = frozenset({PROBABILITIES})
    title: ClassVar[str] = "AUC against the rest, averaged"

    def resampled(self, sheet: Sheet) -> NDArray[np.float64]:
        return np.asarray(np.mean(list(sheet.areas_RC.T), axis=0))

    def undefined(self, sheet: Sheet) -> str | None:
        missing = [name for place, name in enumerate(sheet.classes) if not (sheet.true_n == place).any()]
        return f"no test series of class {missing[-1]}" if missing else None


PLUGIN = RocAucMacro
