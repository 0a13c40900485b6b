"""Recipes compared over motors by their ranks: Friedman's test, then Nemenyi's (Demsar, JMLR 7, 2006).

Shapes: M motors (the blocks), K recipes (the treatments).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.comparisons import LEAST_MOTORS
from motor.evaluation.scores import Scores
from motor.lazy import pandas as pd
from motor.lazy import scikit_posthocs, scipy

if TYPE_CHECKING:
    from motor.evaluation.ranking import Recipe

LEAST_RECIPES = 3  # two are compared by their difference
MOST_RECIPES = 20  # more cannot be read, and widen the critical difference
ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class CriticalDifference:
    """Mean ranks over motors, and which of them these motors tell apart.

    Attributes
    ----------
    mean_ranks : dict
        Recipe -> its mean rank by how well it judges each motor (its accuracy, where recipes are ranked by a metric of
        decisions; see `Metric.by_motor`), 1 is best; ties share their ranks.
    p_values : DataFrame
        Of Nemenyi's test, recipe by recipe; all 1 where Friedman's test finds no difference at all.
    critical_difference : float
        Two mean ranks that differ by less cannot be told apart at 5 %.
    friedman_p : float
        The probability of such differences if all recipes were equally good.
    n_motors : int
        The blocks.
    is_selection : bool
        Whether only the best recipe of each method is compared.
    """

    mean_ranks: dict[str, float]
    p_values: pd.DataFrame
    critical_difference: float
    friedman_p: float
    n_motors: int
    is_selection: bool

    @property
    def found(self) -> bool:
        """Whether Friedman's test finds any difference."""
        return self.friedman_p < ALPHA


def critical_difference(recipes: list[Recipe], scores: Scores) -> CriticalDifference | None:
    """Compare recipes by their ranks on each motor; None where there are too few motors or recipes.

    Parameters
    ----------
    recipes : list of Recipe
        Best first. Of more than 20 the best of each method is taken, or the first 20 of a few methods.
    scores : Scores
        How well every slice judges each motor.
    """
    chosen = _chosen(recipes)
    names = _names(chosen)
    by_motor_MK = np.stack([_by_motor_M(recipe, scores) for recipe in chosen], axis=1)
    by_motor_MK = by_motor_MK[~np.isnan(by_motor_MK).any(axis=1)]
    if len(by_motor_MK) < LEAST_MOTORS or len(chosen) < LEAST_RECIPES:
        return None
    return _compared(by_motor_MK, names, is_selection=len(chosen) < len(recipes))


def over_blocks(
    by_block_NK: NDArray[np.float64], names: list[str], methods: list[str]
) -> tuple[CriticalDifference | None, list[float]]:
    """Compare recipes by their ranks on blocks that are no motors, say data sets (Demsar 2006).

    Parameters
    ----------
    by_block_NK : ndarray of shape (n_blocks, n_recipes)
        The greater the better.
    names, methods : lists of n_recipes str
        Of more than 20 recipes the one of the best mean rank of each method is compared.

    Returns
    -------
    CriticalDifference or None
        None where there are too few blocks or recipes; its `n_motors` counts blocks.
    list of float
        The mean rank of every recipe among all.
    """
    ranks = _mean_ranks(by_block_NK)
    places = list(range(len(names)))
    if len(names) > MOST_RECIPES:
        best: dict[str, int] = {}
        for place in sorted(places, key=lambda place: ranks[place]):
            best.setdefault(methods[place], place)
        places = list(best.values()) if len(best) >= LEAST_RECIPES else sorted(places, key=lambda place: ranks[place])
        places = places[:MOST_RECIPES]
    if len(by_block_NK) < LEAST_MOTORS or len(places) < LEAST_RECIPES:
        return None, ranks
    chosen = [names[place] for place in places]
    return _compared(by_block_NK[:, places], chosen, is_selection=len(places) < len(names)), ranks


def _compared(by_block_NK: NDArray[np.float64], names: list[str], is_selection: bool) -> CriticalDifference:
    friedman_p = _friedman_p(by_block_NK)
    return CriticalDifference(
        mean_ranks=dict(zip(names, _mean_ranks(by_block_NK), strict=True)),
        p_values=_nemenyi(by_block_NK, names, is_found=friedman_p < ALPHA),
        critical_difference=_nemenyi_distance(len(names), len(by_block_NK)),
        friedman_p=friedman_p,
        n_motors=len(by_block_NK),
        is_selection=is_selection,
    )


def _chosen(recipes: list[Recipe]) -> list[Recipe]:
    if len(recipes) <= MOST_RECIPES:
        return recipes
    best: dict[str, Recipe] = {}
    for recipe in recipes:
        best.setdefault(str(recipe.axes["method"]), recipe)
    return list(best.values())[:MOST_RECIPES] if len(best) >= LEAST_RECIPES else recipes[:MOST_RECIPES]


def _names(recipes: list[Recipe]) -> list[str]:
    """Return the recipes' names without what all of them share."""
    words = [recipe.name.removeprefix("method ").split(", ") for recipe in recipes]
    shared = set.intersection(*map(set, words))
    short = [", ".join(word for word in of_recipe if word not in shared) for of_recipe in words]
    return short if len(set(short)) == len(short) and all(short) else [", ".join(of_recipe) for of_recipe in words]


def _by_motor_M(recipe: Recipe, scores: Scores) -> NDArray[np.float64]:
    """Average how well a recipe judges each motor over domains and seeds: shape (M,), NaN where untested."""
    stacked = np.stack([scores.by_motor_M[key] for key in recipe.slices])
    tested = ~np.isnan(stacked)
    total = np.where(tested, stacked, 0.0).sum(axis=0)
    return np.divide(total, tested.sum(axis=0), out=np.full(len(total), np.nan), where=tested.any(axis=0))


def _mean_ranks(by_motor_MK: NDArray[np.float64]) -> list[float]:
    # Rounded, so that equal shares of equal counts tie whatever the order they were averaged in.
    return [float(rank) for rank in scipy.stats.rankdata(-np.round(by_motor_MK, 12), axis=1).mean(axis=0)]


def _friedman_p(by_motor_MK: NDArray[np.float64]) -> float:
    rounded = np.round(by_motor_MK, 12)
    if (rounded == rounded[:, :1]).all():
        return 1.0  # every motor ties all recipes: the statistic is 0 / 0
    return float(scipy.stats.friedmanchisquare(*rounded.T).pvalue)


def _nemenyi(by_motor_MK: NDArray[np.float64], names: list[str], is_found: bool) -> pd.DataFrame:
    """Return Nemenyi's p-values, shape (K, K); all 1 where there is nothing to look for."""
    if not is_found:
        return pd.DataFrame(1.0, index=names, columns=names)

    found = scikit_posthocs.posthoc_nemenyi_friedman(np.round(by_motor_MK, 12))
    return pd.DataFrame(found.to_numpy(), index=names, columns=names)


def _nemenyi_distance(n_recipes: int, n_motors: int) -> float:
    """Return CD = q_alpha sqrt(k (k + 1) / (6 N)), q from the studentised range over sqrt 2 (Demsar, eq. 8)."""
    quantile = float(scipy.stats.studentized_range.ppf(1 - ALPHA, n_recipes, np.inf)) / np.sqrt(2)
    return quantile * float(np.sqrt(n_recipes * (n_recipes + 1) / (6 * n_motors)))
