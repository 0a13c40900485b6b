"""The ranking of recipes: which is best over all domains, and which the motors cannot tell from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.report.cells import Axes, CellResult, axis_text, varying_axes
from motor.evaluation.report.comparisons import Difference, differences
from motor.evaluation.report.scores import Scores, SliceKey
from motor.evaluation.resampling import percentile_interval


@dataclass(frozen=True)
class Recipe:
    """All axes but the domain, and the regime: with it one gets a model for every domain.

    Attributes
    ----------
    name : str
        How it is called in the report.
    axes : mapping
        Its coordinates without `domain`.
    slices : tuple
        Its slice in each domain.
    """

    name: str
    axes: Axes
    slices: tuple[SliceKey, ...]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Recipes, best first, by macro-F1 averaged over the domains.

    Attributes
    ----------
    scores_RK : ndarray of shape (1 + resamples, n_recipes)
        In the order of `recipes`.
    interval : (low, high) or None
        Of the best recipe; None where a class rests on one motor, or all resamples agree.
    behind : list of Difference
        The best recipe's lead over each of the others, intervals for all together.
    optimism : float
        How much the best of so many is flattered by being picked on the motors it is judged on: the
        mean, over resamples, of the picked recipe's score in the resample minus its measured score
        (Efron, J. Am. Stat. Assoc. 78, 1983).
    """

    recipes: list[Recipe]
    scores_RK: NDArray[np.float64]
    interval: tuple[float, float] | None
    behind: list[Difference]
    optimism: float


def rank_recipes(cells: list[CellResult], scores: Scores, joint: str) -> Ranking | None:
    """Rank the recipes that have a result in every domain; None if there is none."""
    recipes = [recipe for recipe in _recipes(cells, scores, joint) if len(recipe.slices) == len(scores.domains)]
    if not recipes:
        return None
    columns = [np.mean([scores.macro_f1_R[key] for key in recipe.slices], axis=0) for recipe in recipes]
    order = sorted(range(len(recipes)), key=lambda index: (-round(columns[index][0], 12), index))
    recipes, scores_RK = [recipes[index] for index in order], np.stack([columns[index] for index in order], axis=1)
    best, others = recipes[0], recipes[1:]
    contrasts = [(best.name, other.name, list(zip(best.slices, other.slices, strict=True))) for other in others]
    picked = scores_RK[1:].argmax(axis=1)
    optimism = float(np.mean(scores_RK[1:].max(axis=1) - scores_RK[0, picked]))
    behind = differences(scores, contrasts) if contrasts else []
    return Ranking(recipes, scores_RK, _interval(scores, scores_RK[:, 0]), behind, max(optimism, 0.0))


def _interval(scores: Scores, values_R: NDArray[np.float64]) -> tuple[float, float] | None:
    if scores.thin(set(scores.domains)) or np.ptp(values_R) < 1e-12:
        return None
    return percentile_interval(values_R)


def _recipes(cells: list[CellResult], scores: Scores, joint: str) -> list[Recipe]:
    """Put the domains' own cells of equal axes together; a joint cell is a recipe by itself."""
    shown = [name for name in varying_axes(cells) if name != "domain"]
    several = len({cell.axes["domain"] for cell in cells}) > 1
    found: dict[tuple[bool, tuple[tuple[str, str | int], ...]], list[SliceKey]] = {}
    for index, domain in sorted(scores.macro_f1_R, key=lambda key: (key[0], key[1])):
        axes = cells[index].axes
        rest = tuple((name, value) for name, value in axes.items() if name != "domain")
        found.setdefault((axes["domain"] == joint, rest), []).append((index, domain))
    recipes = []
    for (is_joint, rest), slices in found.items():
        axes = dict(rest)
        words = [axis_text(name, axes[name]) for name in shown if name in axes]
        if several:
            words.insert(1, joint if is_joint else "each domain alone")
        recipes.append(Recipe(", ".join(words), axes, tuple(sorted(slices, key=lambda key: key[1]))))
    return recipes
