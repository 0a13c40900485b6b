"""What the verdict rests on: what to do, the best of each family, what it does as an alarm, what no skill gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from motor.evaluation.cells import FORECASTER, PLAIN, CellResult, ReportContext
from motor.evaluation.nested import NestedFigure
from motor.evaluation.ranking import Ranking, Recipe
from motor.evaluation.scores import Scores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Decision:
    """What to do.

    Attributes
    ----------
    kind : str
        "plain better": do not fine-tune, plain features are better; "plain not beaten": do not fine-tune, nothing
        is shown to beat them; "cheapest": of those near the best, take the cheapest; "cannot tell": the motors tell
        none apart; "best": take the best.
    recipe : Recipe
        The one to take.
    n_motors : int
        Motors that the comparison of recipes rests on.
    """

    kind: Literal["plain better", "plain not beaten", "cheapest", "cannot tell", "best"]
    recipe: Recipe
    n_motors: int


@dataclass(frozen=True)
class AlarmRates:
    """A recipe as a plain alarm, over all domains: shares of series, and the false alarms asked for."""

    caught: float
    false_alarms: float
    asked: tuple[float, ...]


def decide(ranking: Ranking, context: ReportContext) -> Decision:
    """Return what to do, from what the motors can tell and what the recipes near the best cost."""
    best_set, best = ranking.best_set, ranking.recipes[0]
    n_motors = max((lead.n_motors for lead in ranking.behind), default=0)
    plain = [recipe for recipe in ranking.near_best if context.families.get(recipe.method) == PLAIN]
    families = {context.families.get(recipe.method) for recipe in ranking.recipes}
    if plain and FORECASTER in families:
        chosen = min(plain, key=lambda recipe: recipe.seconds)  # all of them within one standard error of the best
        alone = all(context.families.get(recipe.method) == PLAIN for recipe in best_set)
        return Decision("plain better" if alone else "plain not beaten", chosen, n_motors)
    if ranking.cheapest is not best:
        return Decision("cheapest", ranking.cheapest, n_motors)
    if len(best_set) == len(ranking.recipes) > 1:
        return Decision("cannot tell", best, n_motors)
    return Decision("best", best, n_motors)


def rival_of(ranking: Ranking) -> Recipe | None:
    """Return the cheapest recipe near the best where that is another, else the runner-up that cannot be told from it.

    None where the best is told from all others.
    """
    if len(ranking.best_set) == 1:
        return None
    return ranking.cheapest if ranking.cheapest is not ranking.recipes[0] else ranking.best_set[1]


def best_by_family(ranking: Ranking, context: ReportContext) -> tuple[Recipe, Recipe] | None:
    """Return the best recipe with a forecaster and the best plain one; None where one is missing."""
    forecaster, plain = (
        next((one for one in ranking.recipes if context.families.get(one.method) == family), None)
        for family in (FORECASTER, PLAIN)
    )
    return None if forecaster is None or plain is None else (forecaster, plain)


def no_skill(scores: Scores) -> tuple[float, float]:
    """Return the figure of always answering the most frequent class, and of guessing, averaged over the domains."""
    domains = scores.domains
    majority, uniform = (
        sum(scores.chance[name][kind] for name in domains) / len(domains) for kind in ("majority", "uniform")
    )
    return majority, uniform


def short_of(figures: list[NestedFigure], goal: float, sign: int = 1) -> list[NestedFigure]:
    """Return those that miss the goal, as they are printed; `sign` is the metric's."""
    return [figure for figure in figures if sign * (round(figure.chosen_inside.value, 2) - goal) < 0]


def alarm_rates_of(cells: list[CellResult], recipe: Recipe, context: ReportContext) -> AlarmRates | None:
    """Return what a recipe's alarm does; None where it raises none, or a side has no series."""
    slices = recipe.slices
    tables = [_slice(cells[index].predictions, domain) for index, domain in slices]
    if any("alarm" not in part.columns for part in tables):
        return None
    alarms = [
        (bool(alarm), label != context.normal)
        for part in tables
        for alarm, label in zip(part["alarm"], part["label"], strict=True)
    ]
    healthy = [alarm for alarm, faulty in alarms if not faulty]
    faulty = [alarm for alarm, is_faulty in alarms if is_faulty]
    if not healthy or not faulty:
        return None
    rates = {float(threshold["false_alarm_rate"]) for index, _ in slices for threshold in cells[index].thresholds}
    return AlarmRates(sum(faulty) / len(faulty), sum(healthy) / len(healthy), tuple(sorted(rates)))


def _slice(predictions: pd.DataFrame, domain: str) -> pd.DataFrame:
    return predictions[predictions["domain"].astype(str) == domain]
