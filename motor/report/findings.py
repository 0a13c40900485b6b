"""Everything derived from the cells before a word is written."""

from __future__ import annotations

from dataclasses import dataclass

from motor.evaluation.cells import CellResult, ReportContext, varying_axes
from motor.evaluation.critical import CriticalDifference, critical_difference
from motor.evaluation.forecasting import Gain, gains_by_method, gains_by_row, gains_by_tuning
from motor.evaluation.nested import Nested, nested_selection
from motor.evaluation.ranking import Ranking, rank_recipes
from motor.evaluation.repeats import Repeats, repeats
from motor.evaluation.scores import Scores, score_cells
from motor.report.advice import Advice, advise
from motor.report.alarms import TooGood, too_good


@dataclass(frozen=True, eq=False)
class Findings:
    """What every section of the report is made from.

    Attributes
    ----------
    cells, context
        As they came.
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
    critical : CriticalDifference or None
        Recipes by their ranks; None where there are too few motors or recipes.
    nested : Nested
        What a recipe is worth that was chosen inside the training folds.
    nested_by_method : dict
        Method -> the same with the choice among its own recipes only.
    """

    cells: list[CellResult]
    context: ReportContext
    rows: list[Repeats]
    scores: Scores
    ranking: Ranking | None
    advice: list[Advice]
    gains: dict[int, Gain]
    method_gains: list[Gain]
    tuning_gains: list[Gain]
    suspects: list[TooGood]
    critical: CriticalDifference | None
    nested: Nested
    nested_by_method: dict[str, Nested]

    @property
    def tuning_axes(self) -> list[str]:
        """The axes that tell fine-tunes apart."""
        return tuning_axes(self.cells)


def find(cells: list[CellResult], context: ReportContext) -> Findings:
    """Score, rank and compare the cells.

    Raises
    ------
    ValueError
        If the cells of a domain share no test series, so that nothing can be compared.
    """
    scores = score_cells(cells, context.classes, context.rank_by, context.normal)
    rows = repeats(cells, context.rank_by)
    ranking = rank_recipes(cells, scores, context.joint)
    return Findings(
        cells=cells,
        context=context,
        rows=rows,
        scores=scores,
        ranking=ranking,
        advice=advise(cells, scores, context),
        gains={id(rows[place]): gain for place, gain in gains_by_row(rows, scores, context).items()},
        method_gains=gains_by_method(rows, scores, context),
        tuning_gains=gains_by_tuning(rows, scores, context, tuning_axes(cells)),
        suspects=too_good(rows, scores, context),
        critical=None if ranking is None else critical_difference(ranking.recipes, scores),
        nested=nested_selection(cells, context),
        nested_by_method=_nested_by_method(cells, context),
    )


def tuning_axes(cells: list[CellResult]) -> list[str]:
    """Return the varying axes that tell fine-tunes apart: all but the classifier and the seed."""
    return [name for name in varying_axes(cells) if name not in ("classifier", "seed")]


def _nested_by_method(cells: list[CellResult], context: ReportContext) -> dict[str, Nested]:
    by_method: dict[str, list[CellResult]] = {}
    for cell in cells:
        by_method.setdefault(str(cell.axes["method"]), []).append(cell)
    return {method: nested_selection(part, context) for method, part in by_method.items()}
