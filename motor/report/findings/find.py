"""Everything derived from the cells before a word is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from motor.evaluation.best_set import BestSet
from motor.evaluation.cells import CellResult, ReportContext, rankable, varying_axes
from motor.evaluation.columns import Readings
from motor.evaluation.critical import CriticalDifference, critical_difference
from motor.evaluation.detection import Detections, detections
from motor.evaluation.forecasting import Gain, gains_by_method, gains_by_row, gains_by_tuning
from motor.evaluation.nested import Nested, nested_selection
from motor.evaluation.ranking import Ranking, rank_recipes, recipes_not_worse
from motor.evaluation.repeats import Repeats, repeats
from motor.evaluation.scores import Scores, score_cells
from motor.report.collector import uncollected
from motor.report.findings.advice import Advice, advise
from motor.report.findings.alarms import TooGood, too_good
from motor.report.findings.caveats import Caveat, find_caveats


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings that every section of the report is made from.

    Attributes
    ----------
    cells : list of CellResult
        Those that can be ranked: they have what the metric needs that recipes are ranked by.
    context : ReportContext
        As it came.
    others : list of CellResult
        The cells that cannot be ranked: by macro-F1, those of detectors.
    rows : list of Repeats
        The cells, those that differ only by seed put together.
    scores, ranking, advice
        The cells scored on shared motors, ranked, and compared axis by axis.
    gains : dict
        `id` of a row -> what training added to it over its untrained control.
    method_gains, tuning_gains : list of Gain
        The same for each method, and for each set of `tuning_axes`.
    suspects : list of TooGood
        Figures of 0.98 or more.
    caveats : list of Caveat
        What speaks against believing the numbers, most serious first.
    critical : CriticalDifference or None
        Recipes by their ranks; None where there are too few motors or recipes.
    best_set : BestSet or None
        The ranked recipes that are not shown to be worse than the best.
    nested : Nested
        What a recipe is worth that was chosen inside the training folds.
    nested_by_method : dict
        Method -> the same with the choice among its own recipes only.
    detections : Detections or None
        How well normal is told from faulty with no fault labels, where the grid has detectors.
    details : mapping
        What was gathered beside the metrics: `cells` (name -> `config`, `tsne`, `residuals`, `learning`, `worst`),
        `signals` (what `worst` names), `spent`, `suspected_labels` (a table), `forecasts` (see
        `motor.report.findings.forecasts`), `trends` (see `motor.evaluation.trends`). Each may be missing.
    """

    cells: list[CellResult]
    context: ReportContext
    others: list[CellResult] = field(default_factory=list)
    rows: list[Repeats] = field(default_factory=list)
    scores: Scores = field(default_factory=lambda: Scores({}, {}, {}, {}, {}, {}, (), 0, 0))
    ranking: Ranking | None = None
    advice: list[Advice] = field(default_factory=list)
    gains: dict[int, Gain] = field(default_factory=dict)
    method_gains: list[Gain] = field(default_factory=list)
    tuning_gains: list[Gain] = field(default_factory=list)
    suspects: list[TooGood] = field(default_factory=list)
    caveats: list[Caveat] = field(default_factory=list)
    critical: CriticalDifference | None = None
    best_set: BestSet | None = None
    nested: Nested = field(default_factory=Nested)
    nested_by_method: dict[str, Nested] = field(default_factory=dict)
    detections: Detections | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def everything(self) -> list[CellResult]:
        """All cells, the ranked ones first."""
        return [*self.cells, *self.others]

    @property
    def tuning_axes(self) -> list[str]:
        """The axes that tell fine-tunes apart."""
        return tuning_axes(self.cells)


@uncollected()
def find(cells: list[CellResult], context: ReportContext) -> Findings:
    """Score, rank and compare the cells; without any, what surrounds them is all there is.

    Raises
    ------
    ValueError
        If the cells of a domain share no test series, so that nothing can be compared.
    """
    everything, cells = cells, rankable(cells, context.rank_by)
    others = [cell for cell in everything if cell not in cells]
    told = detections(everything, context) if everything else None
    if not cells:
        return Findings(cells, context, others, detections=told)
    scores = score_cells(cells, context.classes, context.rank_by, context.normal)
    rows = repeats(cells, context.rank_by)
    ranking = rank_recipes(cells, scores, context.joint)
    suspects = too_good(rows, scores, context)
    readings = Readings(context.classes, context.normal)
    return Findings(
        cells=cells,
        context=context,
        others=others,
        rows=rows,
        scores=scores,
        ranking=ranking,
        advice=advise(cells, scores, context),
        gains={id(rows[place]): gain for place, gain in gains_by_row(rows, scores, context).items()},
        method_gains=gains_by_method(rows, scores, context),
        tuning_gains=gains_by_tuning(rows, scores, context, tuning_axes(cells)),
        suspects=suspects,
        caveats=find_caveats(cells, scores, ranking, context, suspects),
        critical=None if ranking is None else critical_difference(ranking.recipes, scores),
        best_set=None if ranking is None else recipes_not_worse(ranking, scores),
        nested=nested_selection(cells, context, readings),
        nested_by_method=_nested_by_method(cells, context, readings),
        detections=told,
    )


def tuning_axes(cells: list[CellResult]) -> list[str]:
    """Return the varying axes that tell fine-tunes apart: all but the classifier and the seed."""
    return [name for name in varying_axes(cells) if name not in ("classifier", "seed")]


def _nested_by_method(cells: list[CellResult], context: ReportContext, readings: Readings) -> dict[str, Nested]:
    by_method: dict[str, list[CellResult]] = {}
    for cell in cells:
        by_method.setdefault(str(cell.axes["method"]), []).append(cell)
    return {method: nested_selection(part, context, readings) for method, part in by_method.items()}
