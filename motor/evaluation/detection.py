"""How well normal is told from faulty with no fault labels at all, beside what classifiers make of the labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from motor.evaluation.cells import CellResult, ReportContext
from motor.evaluation.comparisons import Column, Difference, leads
from motor.evaluation.decisions import AlarmRates, alarm_rates_of
from motor.evaluation.metrics.pr_auc_faulty import PrAucFaulty
from motor.evaluation.metrics.roc_auc_faulty import RocAucFaulty
from motor.evaluation.nested import ALL, Figure, nested_selection
from motor.evaluation.ranking import Ranking, Recipe, column_of, interval_of, rank_recipes
from motor.evaluation.repeats import mean_of
from motor.evaluation.scores import Scores, score_cells
from motor.evaluation.sheet import DECISIONS, SCORE

Sort = Literal["detector", "classifier"]


@dataclass(frozen=True)
class RecipeDetection:
    """One recipe at normal against faulty.

    Attributes
    ----------
    sort : {"detector", "classifier"}
    recipe : Recipe
    auc, average_precision : float
        Averaged over the seeds, then over the domains; `interval` is the 95 % interval of the first over motors, None
        where a class has one motor or all resamples agree.
    alarms : AlarmRates or None
        False alarms and faults caught at the cells' own thresholds.
    """

    sort: Sort
    recipe: Recipe
    auc: float
    interval: tuple[float, float] | None
    average_precision: float | None
    alarms: AlarmRates | None


@dataclass(frozen=True)
class Detections:
    """Figures of detectors, which know no fault's label, and what labels add.

    Attributes
    ----------
    detectors, classifiers : tuple of RecipeDetection
        All recipes that have a result in every domain, best AUC first. Found by looking at the motors that judge them,
        so the first flatters; see `chosen_inside`.
    chosen_inside : Figure or None
        The AUC of the detector that is chosen by held-out motors alone (nested selection over all domains).
    gained : Difference or None
        The best classifier's lead in AUC over the best detector, on the same motors.
    kind : str
        "alone": the grid has no classifier; "cannot tell"; "labels pay": the best classifier is better; "labels do not
        pay": the best detector is.
    """

    detectors: tuple[RecipeDetection, ...]
    classifiers: tuple[RecipeDetection, ...]
    chosen_inside: Figure | None
    gained: Difference | None

    @property
    def kind(self) -> Literal["alone", "cannot tell", "labels pay", "labels do not pay"]:
        if self.gained is None:
            return "alone"
        if not self.gained.told_apart:
            return "cannot tell"
        return "labels pay" if self.gained.value > 0 else "labels do not pay"


def detections(cells: list[CellResult], context: ReportContext) -> Detections | None:
    """Compare detectors with classifiers at normal against faulty; None where no detector has all domains."""
    able = [cell for cell in cells if SCORE in cell.has]
    detecting = [cell for cell in able if sort_of(cell) == "detector"]
    if not detecting:
        return None
    scores = score_cells(able, context.classes, RocAucFaulty(), context.normal)
    ranking = rank_recipes(able, scores, context.joint)
    if ranking is None:
        return None
    found = [_detection_of(able, scores, ranking, recipe, context) for recipe in ranking.recipes]
    by_sort = {sort: tuple(one for one in found if one.sort == sort) for sort in ("detector", "classifier")}
    if not by_sort["detector"]:
        return None
    inside = nested_selection(detecting, replace(context, rank_by=RocAucFaulty())).overall_of(ALL)
    return Detections(
        detectors=by_sort["detector"],
        classifiers=by_sort["classifier"],
        chosen_inside=None if inside is None else inside.chosen_inside,
        gained=_gained(scores, by_sort["detector"][0], by_sort["classifier"]),
    )


def sort_of(cell: CellResult) -> Sort:
    """Return which sort of judge a cell has: a detector names no class."""
    return "classifier" if DECISIONS in cell.has else "detector"


def _detection_of(
    cells: list[CellResult], scores: Scores, ranking: Ranking, recipe: Recipe, context: ReportContext
) -> RecipeDetection:
    indices = dict.fromkeys(index for index, _ in recipe.slices)
    precision = mean_of(
        (cells[index].metrics.get("by_domain", {}).get(domain) or {}).get(PrAucFaulty().kind)
        for index, domain in recipe.slices
    )
    values_R = ranking.scores_RK[:, ranking.recipes.index(recipe)]
    return RecipeDetection(
        sort=sort_of(cells[next(iter(indices))]),
        recipe=recipe,
        auc=ranking.score(recipe),
        interval=interval_of(scores, values_R),
        average_precision=precision,
        alarms=alarm_rates_of(cells, recipe, context),
    )


def _gained(scores: Scores, detector: RecipeDetection, classifiers: tuple[RecipeDetection, ...]) -> Difference | None:
    """Return the best classifier's lead over the best detector."""
    if not classifiers:
        return None
    both: dict[str | int, Column] = {one.sort: column_of(scores, one.recipe) for one in (classifiers[0], detector)}
    return leads(scores, both, "classifier", len(scores.domains), set(scores.domains))["detector"]
