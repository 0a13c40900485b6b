"""Cells that differ in nothing but the seed are repeats of one recipe: one row, the mean, and the spread.

Shapes: R = 1 + resamples (row 0 is the measured sample).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.cells import Axes, CellResult, cell_key
from motor.evaluation.comparisons import Pair
from motor.evaluation.metrics import class_codes, motor_strata
from motor.evaluation.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

Interval = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Repeats:
    """One recipe in one regime, with one cell a seed.

    Attributes
    ----------
    axes : mapping
        The coordinates without the seed.
    indices : tuple of int
        Places of the cells in the list of all cells.
    cells : tuple of CellResult
        The cells, in the order of their seeds.
    """

    axes: Axes
    indices: tuple[int, ...]
    cells: tuple[CellResult, ...]

    @property
    def first(self) -> CellResult:
        """The cell that links and figures show."""
        return self.cells[0]

    @property
    def macro_f1(self) -> float:
        return self.mean(lambda cell: cell.metrics["macro_f1"]) or 0.0

    @property
    def spread(self) -> float | None:
        """Standard deviation of macro-F1 over the seeds; None for one seed."""
        values = [cell.metrics["macro_f1"] for cell in self.cells]
        return float(np.std(values, ddof=1)) if len(values) > 1 and None not in values else None

    def mean(self, value_of: Callable[[CellResult], float | None]) -> float | None:
        """Average a value over the seeds that have it; None where none has."""
        return mean_of(value_of(cell) for cell in self.cells)

    def interval(self, classes: tuple[str, ...]) -> Interval | None:
        """Return the 95 % interval of the mean macro-F1, from resampled motors."""
        if len(self.cells) == 1:
            return self.first.metrics["macro_f1_interval"]
        if any(cell.metrics["macro_f1_interval"] is None for cell in self.cells):
            return None
        strata = motor_strata(self.first.predictions)
        columns = [_macro_f1_R(cell.predictions, classes, strata) for cell in self.cells]
        return _interval(np.mean(columns, axis=0), resampling.strata_degrees_of_freedom(list(strata)))


def repeats(cells: list[CellResult]) -> list[Repeats]:
    """Put the cells together that differ only by seed, in the cells' order."""
    found: dict[Any, list[int]] = {}
    for index, cell in enumerate(cells):
        found.setdefault(cell_key(cell.axes, "seed"), []).append(index)
    return [_repeats(cells, indices) for indices in found.values()]


def slice_scores_R(scores: Scores, repeat: Repeats, domain: str) -> NDArray[np.float64] | None:
    """Return macro-F1 in one domain under each resample, averaged over the seeds: shape (R,); None if untested."""
    keys = [(index, domain) for index in repeat.indices]
    columns = [scores.macro_f1_R[key] for key in keys if key in scores.macro_f1_R]
    return np.mean(columns, axis=0) if columns else None


def slice_interval(scores: Scores, values_R: NDArray[np.float64], domain: str) -> Interval | None:
    """Return the interval of a score in one domain, or None where no honest one can be given."""
    return None if scores.lone({domain}) else _interval(values_R, scores.degrees_of_freedom)


def slice_pairs(scores: Scores, first: Repeats, second: Repeats) -> list[Pair]:
    """Pair the slices of equal domain and seed; where no seed is in both, in the order of the seeds."""
    ours = dict(zip((cell.axes.get("seed") for cell in first.cells), first.indices, strict=True))
    theirs = dict(zip((cell.axes.get("seed") for cell in second.cells), second.indices, strict=True))
    shared = [(ours[seed], theirs[seed]) for seed in ours if seed in theirs]
    paired = shared or list(zip(first.indices, second.indices, strict=False))
    return [
        ((one, domain), (other, domain))
        for one, other in paired
        for domain in scores.domains
        if (one, domain) in scores.macro_f1_R and (other, domain) in scores.macro_f1_R
    ]


def _interval(values_R: NDArray[np.float64], degrees_of_freedom: int) -> Interval | None:
    """Return the 95 % interval, or None where all resamples agree."""
    return None if np.ptp(values_R) < 1e-12 else resampling.percentile_interval(values_R, degrees_of_freedom)


def _macro_f1_R(predictions: pd.DataFrame, classes: tuple[str, ...], strata: pd.Series) -> NDArray[np.float64]:
    """Return macro-F1 over all domains of one table of predictions under each resample of its motors."""
    codes = [class_codes(predictions[column], classes) for column in ("label", "predicted")]
    motor_n = class_codes(predictions["motor"].astype(str), tuple(strata.index))
    confusions_MCC = resampling.motor_confusions(codes[0], codes[1], motor_n, len(strata), len(classes))
    weights_RM = resampling.motor_weights(list(strata))
    return resampling.macro_f1(resampling.weighted_confusions(weights_RM, confusions_MCC))


def mean_of(values: Iterable[float | None]) -> float | None:
    """Average what is known; None where nothing is."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else None


def best_by_method_and_domain(rows: list[Repeats]) -> list[Repeats]:
    """Return the row with the greatest macro-F1 of each method and domain regime; of equal ones the first."""
    best: dict[tuple[str, str], Repeats] = {}
    for row in rows:
        key = str(row.axes["method"]), str(row.axes["domain"])
        if key not in best or row.macro_f1 > best[key].macro_f1:
            best[key] = row
    return [best[key] for key in sorted(best)]


def _repeats(cells: list[CellResult], indices: list[int]) -> Repeats:
    ordered = sorted(indices, key=lambda index: str(cells[index].axes.get("seed", "")).zfill(12))
    axes = {name: value for name, value in cells[indices[0]].axes.items() if name != "seed"}
    return Repeats(axes, tuple(ordered), tuple(cells[index] for index in ordered))
