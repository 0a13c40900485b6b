"""Which recipes are not shown to be worse than the best: multiple comparisons with the best, over motors.

Judging every pair asks more than is wanted. To keep a recipe among those that may be the best, only its own distance
to whichever is best counts: it goes where one other is shown to be better, judged as the largest of its K - 1 one-sided
differences (Gupta 1965, Technometrics 7; Edwards & Hsu, J. Am. Stat. Assoc. 78, 1983). Each recipe is tested for
itself, and only the test of the one that is truly best can drop it: it stays with 97.5 % (one side of 95 %), however
many others there are.

Shapes: R = 1 + resamples (row 0 is the measured sample), M motors, K recipes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.comparisons import LEAST_MOTORS, Column
from motor.lazy import scipy

Floats = NDArray[np.float64]
ERROR = (1 - resampling.COVERAGE) / 2  # one-sided: the counterpart of intervals that hold with 95 % to both sides
SAME = 1e-12  # standard errors, scores and what motors say of them: what differs by less is equal


@dataclass(frozen=True)
class BestSet:
    """The recipes that are not shown to be worse than the best.

    Attributes
    ----------
    places : tuple of int
        Of the recipes that stay, in their order.
    n_recipes : int
        Of all that were compared.
    """

    places: tuple[int, ...]
    n_recipes: int


def best_set(
    columns: Sequence[Column],
    strata: Sequence[Hashable],
    sign: int = 1,
    is_certain: bool = True,
    error: float = ERROR,
) -> BestSet:
    """Return the recipes that may be the best; the one that is stays with 97.5 %, or whatever `error` leaves.

    Parameters
    ----------
    columns : sequence of Column
        Score under each resample, and what each motor says of it, recipe by recipe.
    strata : sequence of n_motors hashables
        Each motor's stratum for resampling.
    sign : int
        1 where a greater score is better, -1 where a lower one is.
    is_certain : bool
        False where no honest interval can be drawn, say because a class rests on one motor: then all stay.
    error : float
        The probability with which the one that is truly best may be dropped.
    """
    n_recipes = len(columns)
    scores_RK = np.stack([sign * one.values_R for one in columns], axis=1)
    if n_recipes < 2 or not is_certain:
        return BestSet(tuple(range(n_recipes)), n_recipes)
    deviations_RK = scores_RK[1:] - scores_RK[0]
    errors_KK = _standard_errors(deviations_RK)
    freedom_KK = _degrees_of_freedom(np.stack([one.influence_M for one in columns], axis=1), strata)
    differ_KK = _differing_motors(np.stack([one.by_motor_M for one in columns], axis=1)) >= LEAST_MOTORS
    kept = []
    for place in range(n_recipes):
        level = _level(deviations_RK, place, errors_KK[place], error)
        reach_K = errors_KK[place] * resampling.quantile_of_level(2 * level, freedom_KK[place])
        is_better_K = (scores_RK[0] - scores_RK[0, place] > reach_K + SAME) & differ_KK[place]
        if not is_better_K.any():
            kept.append(place)
    return BestSet(tuple(kept), n_recipes)


def _level(deviations_RK: Floats, place: int, errors_K: Floats, error: float) -> float:
    """Return the one-sided level of each of a recipe's comparisons, so that `error` holds for the largest of them."""
    known = errors_K > SAME
    if not known.any():
        return error
    studentised_RK = (deviations_RK[:, known] - deviations_RK[:, [place]]) / errors_K[known]
    level = float(scipy.special.ndtr(-np.quantile(studentised_RK.max(axis=1), 1 - error)))
    return float(np.clip(level, error / (len(errors_K) - 1), error))  # resamples cannot resolve less


def _standard_errors(deviations_RK: Floats) -> Floats:
    """Return the standard error of the difference of each pair: shape (K, K)."""
    products_KK = deviations_RK.T @ deviations_RK / len(deviations_RK)
    own_K = np.diag(products_KK)
    return np.asarray(np.sqrt(np.maximum(own_K[:, None] + own_K - 2 * products_KK, 0.0)))


def _degrees_of_freedom(influence_MK: Floats, strata: Sequence[Hashable]) -> Floats:
    """Return Welch and Satterthwaite's degrees of freedom of each pair: shape (K, K)."""
    n_recipes = influence_MK.shape[1]
    total_KK, weighed_KK = np.zeros((n_recipes, n_recipes)), np.zeros((n_recipes, n_recipes))
    for stratum in set(strata):
        rows = [place for place, one in enumerate(strata) if one == stratum]
        if len(rows) > 1:
            centred_MK = influence_MK[rows] - influence_MK[rows].mean(axis=0)
            products_KK = centred_MK.T @ centred_MK / (len(rows) - 1)
            own_K = np.diag(products_KK)
            variance_KK = len(rows) * np.maximum(own_K[:, None] + own_K - 2 * products_KK, 0.0)
            total_KK += variance_KK
            weighed_KK += variance_KK**2 / (len(rows) - 1)
    fallback = float(max(len(strata) - len(set(strata)), 1))
    known_KK = weighed_KK > 0
    return np.divide(total_KK**2, weighed_KK, out=np.full_like(total_KK, fallback), where=known_KK)


def _differing_motors(by_motor_MK: Floats) -> NDArray[np.intp]:
    """Return on how many motors each pair is judged differently: shape (K, K)."""
    by_motor_MK = np.nan_to_num(by_motor_MK)
    return np.stack([(np.abs(by_motor_MK - one[:, None]) > SAME).sum(axis=0) for one in by_motor_MK.T])
