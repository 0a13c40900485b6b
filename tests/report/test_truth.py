"""The verdict on simulated predictions whose truth is known: right where the motors can show it, else "cannot tell"."""

import numpy as np
import pytest

from motor.evaluation.decisions import decide
from motor.evaluation.nested import nested_selection
from motor.evaluation.power import motors_needed
from motor.evaluation.ranking import rank_recipes
from motor.evaluation.scores import score_cells

CLASSES = ("normal", "inner", "outer")
REPEATS = pytest.mark.parametrize("repeats", [20, pytest.param(100, marks=pytest.mark.slow)])


@pytest.fixture(scope="session")
def ranked(simulate):
    """Give a function that simulates recipes of known skill and ranks them."""

    def ranked(skills, seed, n_motors=8):
        cells = simulate(skills, seed, n_motors)
        return rank_recipes(cells, score_cells(cells, CLASSES), "Joint")

    return ranked


def share(found):
    return sum(found) / len(found)


@REPEATS
@pytest.mark.parametrize(("skills", "n_motors"), [((3.0, 1.5), 8), ((3.0, 1.5, 1.5, 1.5, 1.5), 12)])
def test_verdict_names_the_recipe_that_is_truly_better(ranked, repeats, skills, n_motors):
    best_sets = [ranked(skills, seed, n_motors).best_set for seed in range(repeats)]
    assert share([[recipe.method for recipe in best_set] == ["m0"] for best_set in best_sets]) >= 0.95


@REPEATS
@pytest.mark.parametrize(("n_recipes", "n_motors"), [(2, 3), (2, 8), (6, 8)])
def test_verdict_on_equal_recipes_cannot_tell(ranked, repeats, n_recipes, n_motors):
    rankings = [ranked([1.5] * n_recipes, 1000 + seed, n_motors) for seed in range(repeats)]
    assert share([len(found.best_set) == n_recipes for found in rankings]) >= 0.9


@REPEATS
def test_decision_is_what_is_true(simulate, truth, repeats):
    found = {(3.0, 1.5): [], (1.5, 1.5): []}
    for seed in range(repeats):
        for skills, rankings in found.items():
            cells = simulate(skills, 2000 + seed)
            rankings.append(rank_recipes(cells, score_cells(cells, CLASSES), "Joint"))
    better, equal = found.values()
    assert share([ranking.recipes[0].method == "m0" and ranking.behind[0].told_apart for ranking in better]) >= 0.95
    assert share([decide(ranking, truth).kind == "best" for ranking in better]) >= 0.95
    assert share([decide(ranking, truth).kind == "cannot tell" for ranking in equal]) >= 0.9


def test_verdict_on_many_motors_shows_a_margin_that_few_cannot(ranked):
    few, many = ranked((2.0, 1.5), 3, n_motors=3), ranked((2.0, 1.5), 3, n_motors=60)
    assert not few.behind[0].told_apart
    assert many.behind[0].told_apart
    assert many.recipes[0].method == "m0"


@pytest.mark.slow
def test_motors_needed_show_the_difference_about_four_times_in_five(ranked):
    lead = ranked((2.2, 1.5), 5, n_motors=200).behind[0]
    per_class = round(motors_needed(lead.value, lead.standard_deviation, 0.05) / 6)  # 3 classes, 2 domains
    told_apart = [ranked((2.2, 1.5), 3000 + seed, per_class).behind[0].told_apart for seed in range(100)]
    assert 0.65 <= share(told_apart) <= 0.93


@REPEATS
def test_nested_selection_among_equals_is_unbiased_and_the_naive_best_is_not(simulate, truth, repeats):
    nested, naive = [], []
    for seed in range(repeats):
        cells = simulate([1.5] * 6, 4000 + seed, n_motors=4, keeps_held_out=True)
        scores = score_cells(cells, CLASSES)
        for figure in nested_selection(cells, truth).of("all"):
            expected = np.mean([values[0] for key, values in scores.values_R.items() if key[1] == figure.domain])
            nested.append(figure.chosen_inside.value - expected)
            naive.append(figure.best_of_all.value - expected)
    error = np.std(nested, ddof=1) / np.sqrt(len(nested))
    assert abs(np.mean(nested)) < 3 * error
    assert np.mean(naive) > 5 * error


@REPEATS
def test_nested_selection_finds_the_recipe_that_is_truly_better(simulate, truth, repeats):
    choices = [
        choice
        for seed in range(repeats)
        for figure in nested_selection(simulate((1.5, 3.0, 1.5), seed, keeps_held_out=True), truth).of("all")
        for choice in figure.choices.values()
    ]
    assert share([choice == "method m1" for choice in choices]) >= 0.95


@REPEATS
def test_intervals_of_few_motors_hold_the_true_value(ranked, repeats):
    true_value = np.mean([ranked([1.5], seed, n_motors=100).scores_RK[0, 0] for seed in range(5)])
    rankings = [ranked([1.5], 6000 + seed, n_motors=4) for seed in range(repeats)]
    assert share([found.interval[0] <= true_value <= found.interval[1] for found in rankings]) >= 0.9
