"""The ranking of recipes: which is best over all domains, and which the motors cannot tell from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.best_set import BestSet, best_set
from motor.evaluation.cells import Axes, CellResult, axes_text, cell_key, varying_axes
from motor.evaluation.comparisons import Column, Difference, average, column, leads
from motor.evaluation.metrics.base import Metric
from motor.evaluation.metrics.macro_f1 import MacroF1
from motor.evaluation.resampling import percentile_interval
from motor.evaluation.scores import Scores, SliceKey

ALONE = "each domain alone"


@dataclass(frozen=True)
class Recipe:
    """All axes but the domain and the seed, and the regime: with it one gets a model for every domain.

    Attributes
    ----------
    name : str
        How it is called in the report.
    axes : mapping
        Its coordinates without `domain` and `seed`; None where an axis means nothing for its method.
    slices : tuple
        Its slices, domain by domain: one for each seed.
    seconds : float
        Compute of one repeat of it, over all its domains; 0 where it was not measured.
    is_joint : bool
        Whether one model serves all domains.
    """

    name: str
    axes: Axes
    slices: tuple[SliceKey, ...]
    seconds: float = 0.0
    is_joint: bool = False

    @property
    def method(self) -> str:
        return str(self.axes["method"])

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(domain for _, domain in self.slices))


@dataclass(frozen=True, eq=False)
class Ranking:
    """Recipes, best first, by a metric averaged over the seeds, then over the domains.

    Attributes
    ----------
    scores_RK : ndarray of shape (1 + resamples, n_recipes)
        In the order of `recipes`, in the metric's unit.
    interval : (low, high) or None
        Of the best recipe; None where a class rests on one motor, or all resamples agree.
    behind : list of Difference
        The best recipe's lead over each of the others, in their order; the intervals hold for all pairs of
        recipes together, because the best was found by looking at them.
    optimism : float
        How much the best of so many is flattered by being picked on the motors it is judged on: the
        mean, over resamples, of the picked recipe's score in the resample minus its measured score
        (Efron, J. Am. Stat. Assoc. 78, 1983); never below 0.
    rank_by : Metric
        What they are ranked by.
    """

    recipes: list[Recipe]
    scores_RK: NDArray[np.float64]
    interval: tuple[float, float] | None
    behind: list[Difference]
    optimism: float
    rank_by: Metric = field(default_factory=MacroF1)

    @property
    def best_set(self) -> list[Recipe]:
        """The best recipe and all that these motors cannot tell from it, best first."""
        ties = [other for other, lead in zip(self.recipes[1:], self.behind, strict=True) if not lead.told_apart]
        return [self.recipes[0], *ties]

    @property
    def near_best(self) -> list[Recipe]:
        """The recipes of the best set that lie within one standard error of the best, best first.

        Where motors are few, "cannot tell" holds for recipes that look far worse, too. To advise one for its price
        it has to look as good (the one-standard-error rule of Breiman et al. 1984, section 3.4.3).
        """
        leads_RK = self.rank_by.sign * (self.scores_RK[:, :1] - self.scores_RK)
        errors_K = leads_RK[1:].std(axis=0)
        near = {id(one) for one, lead, error in zip(self.recipes, leads_RK[0], errors_K, strict=True) if lead <= error}
        return [recipe for recipe in self.best_set if id(recipe) in near]

    @property
    def cheapest(self) -> Recipe:
        """The recipe near the best that costs least; of equally cheap ones the better."""
        return min(self.near_best, key=lambda recipe: recipe.seconds)

    def score(self, recipe: Recipe) -> float:
        """Return a recipe's figure, in the metric's unit."""
        return float(self.scores_RK[0, self.recipes.index(recipe)])

    def lead_over(self, recipe: Recipe) -> Difference | None:
        """Return the best recipe's lead over another; None for itself."""
        place = self.recipes.index(recipe)
        return self.behind[place - 1] if place else None


def rank_recipes(cells: list[CellResult], scores: Scores, joint: str) -> Ranking | None:
    """Rank the recipes that have a result in every domain by the metric of the scores; None if there is none."""
    sign = scores.rank_by.sign
    recipes = [recipe for recipe in recipes_of(cells, scores, joint) if len(recipe.domains) == len(scores.domains)]
    if not recipes:
        return None
    columns = [column_of(scores, recipe) for recipe in recipes]
    order = sorted(range(len(recipes)), key=lambda index: (-round(sign * float(columns[index].values_R[0]), 12), index))
    recipes, columns = [recipes[index] for index in order], [columns[index] for index in order]
    scores_RK = np.stack([found.values_R for found in columns], axis=1)
    behind = _behind(scores, recipes, columns)
    turned_RK = sign * scores_RK
    picked = turned_RK[1:].argmax(axis=1)
    optimism = float(np.mean(turned_RK[1:].max(axis=1) - turned_RK[0, picked]))
    interval = interval_of(scores, scores_RK[:, 0])
    return Ranking(recipes, scores_RK, interval, behind, max(optimism, 0.0), scores.rank_by)


def recipes_not_worse(ranking: Ranking, scores: Scores) -> BestSet:
    """Return which of the ranked recipes are not shown to be worse than the best."""
    columns = [column_of(scores, recipe) for recipe in ranking.recipes]
    return best_set(columns, scores.strata, scores.rank_by.sign, is_certain=scores.lone(set(scores.domains)) is None)


def recipes_of(cells: list[CellResult], scores: Scores, joint: str) -> list[Recipe]:
    """Put the domains' own cells of equal axes together, and seeds; a joint cell is a recipe by itself."""
    shown = [name for name in varying_axes(cells) if name not in ("domain", "seed")]
    several = len({cell.axes["domain"] for cell in cells}) > 1
    found: dict[object, list[SliceKey]] = {}
    for index, domain in sorted(scores.values_R):
        axes = cells[index].axes
        found.setdefault((axes["domain"] == joint, cell_key(axes, "domain", "seed")), []).append((index, domain))
    recipes = []
    for keys in found.values():
        cell = cells[keys[0][0]]
        axes = {name: value for name, value in cell.axes.items() if name not in ("domain", "seed")}
        is_joint = cell.axes["domain"] == joint
        name = _name(axes, shown, (joint if is_joint else ALONE) if several else "")
        slices = tuple(sorted(keys, key=lambda key: (key[1], key[0])))
        recipes.append(Recipe(name, axes, slices, _seconds(cells, slices), is_joint))
    return recipes


def _name(axes: Axes, shown: list[str], regime: str) -> str:
    """Return the method, the regime, then the rest."""
    rest = axes_text(axes, [name for name in shown if name != "method"])
    return ", ".join(part for part in (axes_text(axes, ["method"]), regime, rest) if part)


def _seconds(cells: list[CellResult], slices: tuple[SliceKey, ...]) -> float:
    """Add up what the cells cost, and divide by the repeats."""
    indices = {index for index, _ in slices}
    seeds = {cells[index].axes.get("seed") for index in indices}
    return sum(cells[index].seconds for index in indices) / len(seeds)


def column_of(scores: Scores, recipe: Recipe) -> Column:
    """Average over the seeds of each domain, then over the domains."""
    by_domain = [[key for key in recipe.slices if key[1] == domain] for domain in recipe.domains]
    return average([column(scores, keys) for keys in by_domain])


def _behind(scores: Scores, recipes: list[Recipe], columns: list[Column]) -> list[Difference]:
    by_name: dict[str | int, Column] = {recipe.name: found for recipe, found in zip(recipes, columns, strict=True)}
    return list(leads(scores, by_name, recipes[0].name, len(scores.domains), set(scores.domains)).values())


def interval_of(scores: Scores, values_R: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return the 95 % interval of a score over all domains; None where a class has one motor, or resamples agree."""
    if scores.lone(set(scores.domains)) or np.ptp(values_R) < 1e-12:
        return None
    return percentile_interval(values_R, scores.degrees_of_freedom)
