"""Cells that differ in nothing but the seed are repeats of one recipe: one row, the mean, and the spread.

Shapes: R = 1 + resamples (row 0 is the measured sample).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.cells import Axes, CellResult, cell_key
from motor.evaluation.comparisons import Pair
from motor.evaluation.metrics.base import Metric
from motor.evaluation.metrics.macro_f1 import MacroF1
from motor.evaluation.scores import Scores
from motor.evaluation.sheet import motor_strata, sheet_of

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    rank_by : Metric
        What `value`, `spread` and `interval` are of.
    """

    axes: Axes
    indices: tuple[int, ...]
    cells: tuple[CellResult, ...]
    rank_by: Metric = field(default_factory=MacroF1)

    @property
    def first(self) -> CellResult:
        """The cell that links and figures show."""
        return self.cells[0]

    @property
    def value(self) -> float:
        """The mean over the seeds; the worst that there is where none has one."""
        found = self.mean(lambda cell: cell.metrics.get(self.rank_by.kind))
        return self.rank_by.worst if found is None else found

    @property
    def spread(self) -> float | None:
        """Standard deviation over the seeds; None for one seed."""
        values: list[Any] = [cell.metrics.get(self.rank_by.kind) for cell in self.cells]
        return float(np.std(values, ddof=1)) if len(values) > 1 and None not in values else None

    def mean(self, value_of: Callable[[CellResult], float | None]) -> float | None:
        """Average a value over the seeds that have it; None where none has."""
        return mean_of(value_of(cell) for cell in self.cells)

    def interval(self, classes: tuple[str, ...]) -> Interval | None:
        """Return the 95 % interval of the mean, from resampled motors."""
        key = f"{self.rank_by.kind}_interval"
        if len(self.cells) == 1:
            return self.first.metrics.get(key)
        if any(cell.metrics.get(key) is None for cell in self.cells):
            return None
        strata = motor_strata(self.first.predictions)
        weights_RM = resampling.motor_weights(list(strata))
        columns = [
            self.rank_by.resampled(sheet_of(cell.predictions, classes, cell.metrics["normal"], strata, weights_RM))
            for cell in self.cells
        ]
        return _interval(np.mean(columns, axis=0), resampling.strata_degrees_of_freedom(list(strata)))


def repeats(cells: list[CellResult], rank_by: Metric | None = None) -> list[Repeats]:
    """Put the cells together that differ only by seed, in the cells' order; by default they are judged by macro-F1."""
    found: dict[Any, list[int]] = {}
    for index, cell in enumerate(cells):
        found.setdefault(cell_key(cell.axes, "seed"), []).append(index)
    return [_repeats(cells, indices, rank_by or MacroF1()) for indices in found.values()]


def slice_scores_R(scores: Scores, repeat: Repeats, domain: str) -> NDArray[np.float64] | None:
    """Return the figure in one domain under each resample, averaged over the seeds: shape (R,); None if untested."""
    keys = [(index, domain) for index in repeat.indices]
    columns = [scores.values_R[key] for key in keys if key in scores.values_R]
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
        if (one, domain) in scores.values_R and (other, domain) in scores.values_R
    ]


def _interval(values_R: NDArray[np.float64], degrees_of_freedom: int) -> Interval | None:
    """Return the 95 % interval, or None where all resamples agree."""
    return None if np.ptp(values_R) < 1e-12 else resampling.percentile_interval(values_R, degrees_of_freedom)


def mean_of(values: Iterable[float | None]) -> float | None:
    """Average what is known; None where nothing is."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if known else None


def best_by_method_and_domain(rows: list[Repeats]) -> list[Repeats]:
    """Return the row with the best figure of each method and domain regime; of equal ones the first."""
    best: dict[tuple[str, str], Repeats] = {}
    for row in rows:
        key = str(row.axes["method"]), str(row.axes["domain"])
        if key not in best or row.rank_by.sign * (row.value - best[key].value) > 0:
            best[key] = row
    return [best[key] for key in sorted(best)]


def _repeats(cells: list[CellResult], indices: list[int], rank_by: Metric) -> Repeats:
    ordered = sorted(indices, key=lambda index: str(cells[index].axes.get("seed", "")).zfill(12))
    axes = {name: value for name, value in cells[indices[0]].axes.items() if name != "seed"}
    return Repeats(axes, tuple(ordered), tuple(cells[index] for index in ordered), rank_by)
