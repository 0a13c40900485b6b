"""Recipes by rank."""

from dataclasses import replace

import numpy as np
import pytest

from motor.evaluation.critical import critical_difference
from motor.evaluation.ranking import rank_recipes
from motor.evaluation.scores import score_cells

CLASSES = ("normal", "spark", "vibrate")


def compared(cells):
    scores = score_cells(cells, CLASSES)
    return critical_difference(rank_recipes(cells, scores, "Joint").recipes, scores)


def test_better_recipe_has_the_lower_rank_and_is_told_apart(make_cell):
    found = compared(
        [make_cell(quality, seed, method) for seed, (method, quality) in enumerate([("A", 0.0), ("B", 0.2), ("C", 5)])]
    )
    assert found.found
    assert min(found.mean_ranks, key=found.mean_ranks.get) == "C"
    assert found.p_values.loc["C", "A"] < 0.05 < found.p_values.loc["A", "B"]
    assert found.n_motors == 24


def test_mean_ranks_agree_with_friedmans_sum(make_cell):
    found = compared([make_cell(1.0, seed, method) for seed, method in enumerate("ABCD")])
    assert sum(found.mean_ranks.values()) == pytest.approx(4 * 5 / 2)


def test_critical_difference_agrees_with_demsars_table(make_cell):
    found = compared([make_cell(1.0, seed, method) for seed, method in enumerate("ABCD")])
    assert found.critical_difference == pytest.approx(2.569 * np.sqrt(4 * 5 / (6 * 24)), abs=2e-3)


def test_equal_recipes_are_all_joined(make_cell):
    found = compared([make_cell(1.0, 1, method) for method in "ABC"])
    assert found.friedman_p == 1.0
    assert (found.p_values.to_numpy() == 1.0).all()
    assert not found.found


def test_two_recipes_are_not_drawn(make_cell):
    assert compared([make_cell(1.0, seed, method) for seed, method in enumerate("AB")]) is None


def test_five_motors_are_not_drawn(make_cell):
    cells = [make_cell(1.0, seed, method, n_motors=1) for seed, method in enumerate("ABC")]
    assert compared(cells) is None


def test_many_recipes_are_cut_to_the_best_of_each_method(make_cell):
    made = [make_cell(1.0, seed, method) for seed, method in enumerate("ABC")]
    cells = [replace(cell, axes={**cell.axes, "classifier": f"k{number}"}) for cell in made for number in range(7)]
    found = compared(cells)
    assert found.is_selection
    assert sorted(name[0] for name in found.mean_ranks) == ["A", "B", "C"]


def test_names_leave_out_what_all_share(make_cell):
    cells = [make_cell(1.0, seed, method, classifier="lda") for seed, method in enumerate("ABC")]
    assert set(compared(cells).mean_ranks) == {"A", "B", "C"}
