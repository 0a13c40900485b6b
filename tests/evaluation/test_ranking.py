from dataclasses import replace

import numpy as np
import pytest

from motor.evaluation.ranking import rank_recipes
from motor.evaluation.scores import score_cells


def rank(cells, truth):
    return rank_recipes(cells, score_cells(cells, truth.classes), "Joint")


def with_axes(cell, **axes):
    return replace(cell, axes={**cell.axes, **axes})


def test_recipes_come_best_first_with_what_they_cost(simulate, truth):
    ranking = rank(simulate((0.5, 3.0), 1, seconds=(10.0, 30.0)), truth)
    assert [recipe.name for recipe in ranking.recipes] == [
        "method m1, each domain alone",
        "method m0, each domain alone",
    ]
    assert [recipe.seconds for recipe in ranking.recipes] == [60.0, 20.0]  # two domains


def test_seeds_are_repeats_that_are_averaged(simulate, truth):
    cells = [
        with_axes(cell, seed=seed) for seed in (1, 2, 3) for cell in simulate((1.0, 2.0), seed, seconds=(8.0, 8.0))
    ]
    ranking, scores = rank(cells, truth), score_cells(cells, truth.classes)
    assert [recipe.axes for recipe in ranking.recipes] == [{"method": "m1"}, {"method": "m0"}]
    expected = np.mean([values[0] for key, values in scores.values_R.items() if cells[key[0]].axes["method"] == "m1"])
    assert ranking.scores_RK[0, 0] == pytest.approx(expected)
    assert ranking.recipes[0].seconds == 16.0


def test_plain_recipe_competes_with_every_forecaster(simulate, truth):
    contexts = (None, 512, 1024)
    cells = [
        with_axes(cell, context_length=contexts[int(cell.axes["method"][1])], method="AB"[cell.axes["method"] != "m0"])
        for cell in simulate((3.0, 1.0, 1.0), 2)
    ]
    ranking = rank(cells, truth)
    assert ranking.recipes[0].name == "method A, each domain alone"
    assert {recipe.name for recipe in ranking.recipes[1:]} == {
        "method B, each domain alone, context 512",
        "method B, each domain alone, context 1024",
    }


def test_cheapest_of_the_best_set_is_named(simulate, truth):
    ranking = rank(simulate((1.5, 1.5, -2.0), 4, seconds=(50.0, 40.0, 1.0)), truth)
    assert {recipe.method for recipe in ranking.best_set} == {"m0", "m1"}
    assert ranking.cheapest.method == "m1"


def test_cheapest_is_not_one_that_looks_far_worse_where_few_motors_cannot_tell(simulate, truth):
    ranking = rank(simulate((1.5, 0.8), 1, seconds=(50.0, 1.0), n_motors=3), truth)
    assert {recipe.method for recipe in ranking.best_set} == {"m0", "m1"}
    assert [recipe.method for recipe in ranking.near_best] == ["m0"]
    assert ranking.cheapest.method == "m0"


def test_recipe_that_lacks_a_domain_takes_no_part(simulate, truth):
    cells = simulate((1.5, 3.0), 4)
    assert [recipe.method for recipe in rank(cells[:3], truth).recipes] == ["m0"]


def test_no_complete_recipe_gives_no_ranking(simulate, truth):
    cells = simulate((1.5, 3.0), 4)
    assert rank([cells[0], cells[3]], truth) is None
