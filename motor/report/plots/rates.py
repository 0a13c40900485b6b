"""False-positive rate, recall and precision over all thresholds."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.cells import CellResult
from motor.report.plots.base import Floats, contests


@lru_cache(maxsize=1)
def contest_rates(cell: CellResult, faulty: str) -> list[tuple[Floats, Floats, Floats]]:
    """Return the `rates` of each of a cell's `contests`: its ROC curves and precision-recall curves need the same."""
    return [rates(score_n, is_positive_n) for *_, score_n, is_positive_n in contests(cell, faulty)]


def rates(score_n: Floats, is_positive_n: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return false-positive rate, recall and precision at each distinct score, from none to all named positive.

    Parameters
    ----------
    score_n : ndarray of shape (n,)
        The higher, the sooner a series is named positive.
    is_positive_n : ndarray of shape (n,)
        The truth; some series are, some are not.
    """
    order = np.argsort(-score_n, kind="stable")
    ends = np.flatnonzero(np.diff(score_n[order], append=np.nan) != 0)
    hits = np.concatenate([[0], np.cumsum(is_positive_n[order])[ends]])
    misses = np.concatenate([[0], ends + 1]) - hits
    precision = np.divide(hits, hits + misses, out=np.ones(len(hits)), where=hits + misses > 0)
    return misses / misses[-1], hits / hits[-1], precision
