"""How often what is said with a probability is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.cells import CellResult
from motor.report.document import Figure
from motor.report.plots.base import CellPlot, Floats, contests, diagonal, figure, line, plain, unit_square
from motor.report.wording import Wording

N_BINS = 10


class Calibration(CellPlot):
    kind: Literal["calibration"] = "calibration"
    PLACE = 30.0

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        data = []
        if "probabilities" not in cell.has:
            return []
        for name, _, style, score_n, is_positive_n in contests(cell, wording.say("faulty")):
            said_B, came_B, count_B = calibration_bins(score_n, is_positive_n)
            trace = line(said_B, came_B, plain(name), style)
            texts = [wording.say("series", n=count) for count in count_B.tolist()]
            data.append({**trace, "mode": "lines+markers", "text": texts})
        if not data:
            return []
        data.append(diagonal(wording.say("calibrated")))
        return [figure("calibration", data, unit_square(wording.say("x"), wording.say("y")), wording)]


def calibration_bins(
    score_n: Floats, is_positive_n: NDArray[np.bool_], n_bins: int = N_BINS
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return mean probability, share that came true, and series of each bin; bins hold about as many series each.

    Parameters
    ----------
    score_n : ndarray of shape (n,)
        Probabilities.
    is_positive_n : ndarray of shape (n,)
        Whether it came true.
    n_bins : int
        At most so many bins; equal probabilities share one.
    """
    edges = np.unique(np.quantile(score_n, np.linspace(0, 1, n_bins + 1)[1:-1]))
    bin_n = np.searchsorted(edges, score_n, side="right")
    count = np.bincount(bin_n, minlength=len(edges) + 1)
    held = count > 0
    mean = np.bincount(bin_n, score_n, len(count))[held] / count[held]
    came = np.bincount(bin_n, is_positive_n.astype(float), len(count))[held] / count[held]
    return mean, came, count[held]


PLUGIN = Calibration
