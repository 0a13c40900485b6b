"""What to know before believing the numbers: the facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from motor.evaluation.cells import Axes, CellResult, ReportContext, cell_key, varying_axes
from motor.evaluation.comparisons import LEAST_MOTORS
from motor.evaluation.ranking import Ranking
from motor.evaluation.scores import Scores
from motor.report.findings.alarms import TooGood

if TYPE_CHECKING:
    import pandas as pd

NOT_LEARNED = 0.95  # error over the mean forecast's


@dataclass(frozen=True)
class TooGoodFigures:
    """Figures that are too good, explained or not."""

    cases: tuple[TooGood, ...]


@dataclass(frozen=True)
class NotAudited:
    """No leak audit ran with the grid."""


@dataclass(frozen=True)
class AssumedLabels:
    """Labels that nobody saw: which part of a motor's life has which class, by share or by hours to failure."""

    by: str
    ranges: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class NoHealthyClass:
    """The config says that no class is healthy."""


@dataclass(frozen=True)
class NotAboveChance:
    """The best recipe's interval begins at `low`; no skill gives `chance`."""

    low: float
    chance: float


@dataclass(frozen=True)
class FewMotors:
    """Domain -> class -> test motors, where they are fewer than a sign test needs."""

    counts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class UntestedClasses:
    """Classes without a test series, each with its domain."""

    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OneClassPerMotor:
    """The number of test motors that were recorded in one state only."""

    n_single: int
    n_motors: int


@dataclass(frozen=True)
class ShamContexts:
    """Contexts that the encoder did not see.

    Attributes
    ----------
    cut : tuple of (method, samples seen, context length)
        Where it saw fewer samples.
    equal : tuple of (method, tokens, context lengths)
        Where it saw as many tokens at several lengths.
    """

    cut: tuple[tuple[str, int, int], ...]
    equal: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class NotLearned:
    """Fine-tunes with which no class is forecast better than by the mean: axes (`named` alone count) and domain."""

    named: tuple[str, ...]
    tunes: tuple[tuple[Axes, str], ...]


@dataclass(frozen=True)
class SameForAll:
    """Recipes that say the same of every test series: axes (`named` alone count), of so many cells."""

    named: tuple[str, ...]
    recipes: tuple[Axes, ...]
    n_cells: int


@dataclass(frozen=True)
class RoughThresholds:
    """Alarm thresholds that rest on too few normal series, down to `fewest`, for the `rates` asked for."""

    n_rough: int
    n_thresholds: int
    fewest: int
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Unreferenced:
    """Domain -> motors without a healthy reference of their own, in cells that compare with it."""

    motors: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class VectorsOfUnknownOrigin:
    """How many cells see vectors of a table that does not say what its model learned from."""

    n_cells: int


@dataclass(frozen=True)
class FailedCells:
    """The number of cells without a result."""

    n_failed: int
    n_cells: int


@dataclass(frozen=True)
class UnequalTests:
    """Test series that some cells lack, and those that all share."""

    n_missing: int
    n_shared: int


Caveat = (
    TooGoodFigures
    | NotAudited
    | AssumedLabels
    | NoHealthyClass
    | NotAboveChance
    | FewMotors
    | UntestedClasses
    | OneClassPerMotor
    | ShamContexts
    | NotLearned
    | SameForAll
    | RoughThresholds
    | Unreferenced
    | VectorsOfUnknownOrigin
    | FailedCells
    | UnequalTests
)


def find_caveats(
    cells: list[CellResult],
    scores: Scores,
    ranking: Ranking | None,
    context: ReportContext,
    suspects: Sequence[TooGood] = (),
) -> list[Caveat]:
    """Return all that speaks against believing the numbers, most serious first."""
    n_failed = len(context.failed)
    found: list[Caveat | None] = [
        TooGoodFigures(tuple(suspects)) if suspects else None,
        NotAudited() if context.audit is None else None,
        _assumed_labels(context),
        None if context.normal else NoHealthyClass(),
        _chance(scores, ranking),
        _few_motors(scores),
        _untested_classes(scores),
        _one_class_per_motor(scores),
        _sham_contexts(cells),
        _not_learned(cells),
        _same_for_all(cells),
        _rough_thresholds(cells),
        _unreferenced(cells),
        _of_unknown_origin(cells),
        FailedCells(n_failed, len(cells) + n_failed) if n_failed else None,
        UnequalTests(scores.n_left_out, scores.n_series) if scores.n_left_out else None,
    ]
    return [caveat for caveat in found if caveat is not None]


def _assumed_labels(context: ReportContext) -> AssumedLabels | None:
    rule = dict(context.dataset.get("assumed_labels") or {})
    return AssumedLabels(rule.pop("by"), rule) if rule else None


def _chance(scores: Scores, ranking: Ranking | None) -> NotAboveChance | None:
    if ranking is None:
        return None
    chance = sum(max(scores.chance[name].values()) for name in scores.domains) / len(scores.domains)
    low = float(ranking.scores_RK[0, 0]) if ranking.interval is None else ranking.interval[0]
    return None if low > chance else NotAboveChance(low, chance)


def _few_motors(scores: Scores) -> FewMotors | None:
    few = {
        domain: {name: n for name, n in by_class.items() if 0 < n < LEAST_MOTORS}
        for domain, by_class in scores.motors.items()
    }
    few = {domain: counts for domain, counts in few.items() if counts}
    return FewMotors(few) if few else None


def _untested_classes(scores: Scores) -> UntestedClasses | None:
    missing = [
        (name, domain)
        for domain, by_class in scores.motors.items()
        for name, n_motors in by_class.items()
        if n_motors == 0
    ]
    return UntestedClasses(tuple(missing)) if missing else None


def _one_class_per_motor(scores: Scores) -> OneClassPerMotor | None:
    labels = scores.motor_labels.values()
    several = sum(len(names) > 1 for names in labels)
    return None if several > len(labels) / 2 else OneClassPerMotor(len(labels) - several, len(labels))


def _sham_contexts(cells: list[CellResult]) -> ShamContexts | None:
    """Find the recipes whose encoder saw less than their context, or as many tokens at several contexts."""
    cut = tuple(dict.fromkeys(found for found in map(_cut_context, cells) if found is not None))
    equal = tuple(_equal_contexts(cells))
    return ShamContexts(cut, equal) if cut or equal else None


def _cut_context(cell: CellResult) -> tuple[str, int, int] | None:
    """Return method, samples and context if the encoder saw fewer samples than the cell's context."""
    length, seen = cell.axes.get("context_length"), (cell.training or {}).get("context_seen")
    values = [value for value in (seen if isinstance(seen, list | tuple) else [seen]) if value is not None]
    if length is None or not values or min(values) >= int(length):
        return None
    return str(cell.axes["method"]), min(values), int(length)


def _equal_contexts(cells: list[CellResult]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the recipes whose encoder saw the same number of tokens at several context lengths."""
    lengths: dict[tuple[str, str, object], set[str]] = {}
    for cell in cells:
        tokens, length = (cell.training or {}).get("tokens"), cell.axes.get("context_length")
        if tokens is not None and length is not None:
            rest = cell_key(cell.axes, "context_length", "classifier", "seed", "domain")
            lengths.setdefault((str(cell.axes["method"]), str(tokens), rest), set()).add(str(length))
    found = {
        (method, tokens, tuple(sorted(several))) for (method, tokens, _), several in lengths.items() if len(several) > 1
    }
    return sorted(found)


def _unreferenced(cells: list[CellResult]) -> Unreferenced | None:
    """Return the motors that a cell could not compare with their own past, by domain."""
    found: dict[str, set[str]] = {}
    for fold in (fold for cell in cells for fold in cell.metrics.get("folds", ())):
        for domain, motors in (fold.get("without_reference") or {}).items():
            found.setdefault(domain, set()).update(motors)
    return Unreferenced({domain: tuple(sorted(motors)) for domain, motors in sorted(found.items())}) if found else None


def _of_unknown_origin(cells: list[CellResult]) -> VectorsOfUnknownOrigin | None:
    """Count the cells one of whose folds sees vectors of a table that does not say what its model learned from."""
    folds = [[fold.get("given") or {} for fold in cell.metrics.get("folds", ())] for cell in cells]
    n_cells = sum(any("learned_from" in of and of["learned_from"] is None for of in cell) for cell in folds)
    return VectorsOfUnknownOrigin(n_cells) if n_cells else None


def _same_for_all(cells: list[CellResult]) -> SameForAll | None:
    """Return the recipes whose judge tells no series of a fold from another: it has learned nothing."""
    found = tuple(cell.axes for cell in cells if _says_the_same(cell.predictions))
    return SameForAll(tuple(varying_axes(cells)), found, len(cells)) if found else None


def _says_the_same(predictions: pd.DataFrame) -> bool:
    said = [name for name in predictions if name == "score" or str(name).startswith("probability_")]
    if not said or len(np.unique(predictions[said[0]])) > (
        predictions["fold"].nunique() if "fold" in predictions else 1
    ):
        return False  # as of nearly every cell
    folds = predictions["fold"].factorize()[0] if "fold" in predictions else np.zeros(len(predictions), dtype=int)
    first = np.unique(folds, return_index=True)[1]
    said_nC = predictions[said].to_numpy(dtype=np.float64)
    return len(first) < len(folds) and bool((said_nC == said_nC[first][folds]).all())


def _not_learned(cells: list[CellResult]) -> NotLearned | None:
    """Return the fine-tunes with which no class is forecast better than by the mean."""
    named = [name for name in varying_axes(cells) if name not in ("domain", "classifier", "seed")]
    lame: dict[object, tuple[Axes, str]] = {}
    for cell in cells:
        errors = [error for error in (cell.skill or {}).values() if error is not None]
        if errors and min(errors) >= NOT_LEARNED:
            axes, domain = {name: cell.axes.get(name) for name in named}, str(cell.axes["domain"])
            lame.setdefault((cell_key(axes), domain), (axes, domain))
    return NotLearned(tuple(named), tuple(lame.values())) if lame else None


def _rough_thresholds(cells: list[CellResult]) -> RoughThresholds | None:
    every = [threshold for cell in cells for threshold in cell.thresholds]
    rough = [threshold for threshold in every if not threshold["resolved"]]
    if not rough:
        return None
    rates = tuple(sorted({float(threshold["false_alarm_rate"]) for threshold in rough}))
    return RoughThresholds(len(rough), len(every), min(threshold["n_series"] for threshold in rough), rates)
