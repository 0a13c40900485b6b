"""Which recipes are not shown to be worse than the best, on planted truths."""

import numpy as np
import pytest

from motor.evaluation import resampling
from motor.evaluation.best_set import best_set
from motor.evaluation.comparisons import Column
from motor.evaluation.ranking import rank_recipes, recipes_not_worse
from motor.evaluation.scores import score_cells

CLASSES = ("normal", "inner", "outer")
REPEATS = pytest.mark.parametrize("repeats", [12, pytest.param(100, marks=pytest.mark.slow)])
STRATA = tuple("a" * 12 + "b" * 12)


def compared(simulate, skills, seed, n_motors=8):
    cells = simulate(skills, seed, n_motors)
    scores = score_cells(cells, CLASSES)
    ranking = rank_recipes(cells, scores, "Joint")
    kept = {ranking.recipes[place].method for place in recipes_not_worse(ranking, scores).places}
    return kept, {recipe.method for recipe in ranking.best_set}


def column(values_M, sign=1):
    """A recipe whose score is the weighted mean of what its motors say."""
    weights_RM = resampling.motor_weights(STRATA)
    mean_R = weights_RM @ values_M / weights_RM.sum(axis=1)
    influence_M = (values_M - values_M.mean()) / len(values_M)
    return Column(sign * mean_R, values_M, sign * influence_M)


@pytest.fixture
def planted():
    """Two recipes alike, one far worse, one a little."""
    generator = np.random.default_rng(0)
    ease_M = 0.1 * generator.normal(size=len(STRATA))
    return [0.8 + skill + ease_M + 0.02 * generator.normal(size=len(STRATA)) for skill in (0.0, 0.0, -0.3, -0.02)]


@REPEATS
@pytest.mark.parametrize(
    ("skills", "n_motors"), [((2.0, 1.6, 1.6, 1.6, 1.6, 1.6), 8), ((3.0, 2.0, 1.5, 1.0, 0.5, 0.0), 6), ((1.5,) * 6, 4)]
)
def test_truly_best_recipe_stays_and_fewer_are_left_than_by_judging_every_pair(simulate, repeats, skills, n_motors):
    found = [compared(simulate, skills, 7000 + seed, n_motors) for seed in range(repeats)]
    best = f"m{int(np.argmax(skills))}"
    assert sum(best in kept for kept, _ in found) >= 0.95 * repeats
    assert all(kept <= every for kept, every in found)
    n_kept, n_every = (np.mean([len(one[side]) for one in found]) for side in (0, 1))
    assert n_kept < n_every


def test_recipe_far_behind_goes_and_one_alike_stays(planted):
    found = best_set([column(values) for values in planted], STRATA)
    assert found.n_recipes == 4
    assert {0, 1} <= set(found.places)
    assert 2 not in found.places


def test_lower_is_better_where_the_metric_says_so(planted):
    assert best_set([column(values, -1) for values in planted], STRATA, sign=-1) == best_set(
        [column(values) for values in planted], STRATA
    )


def test_recipe_that_differs_on_five_motors_alone_stays():
    base = np.full(len(STRATA), 0.8)
    few = base.copy()
    few[:5] = 0.0
    assert best_set([column(base), column(few)], STRATA).places == (0, 1)
    many = base.copy()
    many[::2] = 0.0
    assert best_set([column(base), column(many)], STRATA).places == (0,)


def test_identical_recipes_all_stay(planted):
    assert best_set([column(planted[0])] * 3, STRATA).places == (0, 1, 2)


def test_nothing_is_said_where_no_interval_can_be_drawn(planted):
    assert best_set([column(values) for values in planted], STRATA, is_certain=False).places == (0, 1, 2, 3)


def test_one_recipe_is_the_best(planted):
    assert best_set([column(planted[0])], STRATA).places == (0,)


def test_degrees_of_freedom_and_errors_are_those_of_each_pair(planted):
    from motor.evaluation.best_set import _degrees_of_freedom, _standard_errors

    columns = [column(values) for values in planted]
    influence_MK = np.stack([one.influence_M for one in columns], axis=1)
    scores_RK = np.stack([one.values_R for one in columns], axis=1)
    freedom, errors = _degrees_of_freedom(influence_MK, STRATA), _standard_errors(scores_RK[1:] - scores_RK[0])
    for first, second in ((0, 2), (1, 3)):
        pair = columns[first].minus(columns[second])
        assert freedom[first, second] == pytest.approx(resampling.welch_degrees_of_freedom(pair.influence_M, STRATA))
        assert errors[first, second] == pytest.approx(resampling.standard_errors(pair.values_R[:, None])[0])
