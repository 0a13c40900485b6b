"""Racing: recipes that cannot be the best any more stop early, by a test over motors made for looking again and again.

A look has, of every recipe that still runs, one judgement of each motor: its test series where a fold that is done
tested it, else its held-out series inside the training side of the first fold. What is stopped are the recipes that
multiple comparisons with the best (`motor.evaluation.best_set`) show to be worse than another, paired by motors: the
test of the truly best one alone can drop it, however many others there are. Of the probability that this happens at
all, half is spent on the first look, where most is to be saved, and the rest in equal parts on the later ones
(Bonferroni over looks; Lan and DeMets 1983 for spending it unevenly).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from motor.evaluation.best_set import best_set
from motor.evaluation.cells import CellResult, ReportContext
from motor.evaluation.ranking import column_of, rank_recipes
from motor.evaluation.scores import score_cells
from motor.lazy import pandas as pd

ERROR = 0.1  # of ever stopping the recipe that is truly best


@dataclass(frozen=True)
class Stopped:
    """A recipe that was stopped.

    Attributes
    ----------
    recipe : str
        Its name.
    cells : tuple of int
        Places of its cells among those that were looked at.
    behind : str
        The recipe that led then.
    lead : float
        By how much it led, in the metric, over all motors as they were judged so far.
    n_motors : int
        That the two were judged on.
    """

    recipe: str
    cells: tuple[int, ...]
    behind: str
    lead: float
    n_motors: int


def share_of(look: int, n_looks: int, error: float = ERROR) -> float:
    """Return what a look may spend of the error: half for the first (0), the rest in equal parts."""
    if n_looks == 1:
        return error
    return error / 2 if look == 0 else error / 2 / (n_looks - 1)


def worse(cells: Sequence[CellResult], context: ReportContext, error: float) -> list[Stopped]:
    """Return the recipes that are shown to be worse than another.

    Parameters
    ----------
    cells : sequence of CellResult
        Of the recipes that still run, with the predictions of the folds that are done, and the first fold's held-out
        series.
    context : ReportContext
        Classes, the normal one, the joint regime, the metric.
    error : float
        The probability with which the truly best one may be among them.
    """
    judged = [judged_once(cell) for cell in cells]
    if len(judged) < 2:
        return []
    scores = score_cells(judged, context.classes, context.rank_by, context.normal)
    ranking = rank_recipes(judged, scores, context.joint)
    if ranking is None:
        return []
    columns = [column_of(scores, recipe) for recipe in ranking.recipes]
    is_certain = scores.lone(set(scores.domains)) is None
    kept = set(best_set(columns, scores.strata, scores.rank_by.sign, is_certain, error).places)
    leads = scores.rank_by.sign * (ranking.scores_RK[0, 0] - ranking.scores_RK[0])
    return [
        Stopped(
            recipe=recipe.name,
            cells=tuple(sorted({index for index, _ in recipe.slices})),
            behind=ranking.recipes[0].name,
            lead=float(leads[place]),
            n_motors=len(scores.motor_labels),
        )
        for place, recipe in enumerate(ranking.recipes)
        if place not in kept
    ]


def judged_once(cell: CellResult) -> CellResult:
    """Return a cell whose every motor is judged once: by the folds that tested it, else inside the first fold.

    Where nothing was held out inside (its features saw labels), it has the tested motors alone, and then these are all
    that it shares with the others.
    """
    if cell.held_out.empty:
        return cell
    first = cell.held_out[cell.held_out["fold"] == cell.held_out["fold"].iloc[0]]
    inside = first[~first["motor"].isin(set(cell.predictions["motor"]))]
    return replace(cell, predictions=pd.concat([cell.predictions, inside], ignore_index=True))
