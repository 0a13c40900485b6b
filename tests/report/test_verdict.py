from dataclasses import replace

import pytest

from motor.evaluation.nested import nested_selection
from motor.evaluation.ranking import rank_recipes
from motor.evaluation.scores import score_cells
from motor.report.verdict import decision, verdict

METHODS = ("order", "C", "untrained")


@pytest.fixture(scope="module")
def families(truth):
    return replace(truth, families={"order": "plain", "C": "forecaster", "untrained": "forecaster"})


@pytest.fixture
def tell(simulate, families):
    """Give a function that writes the verdict on recipes of known skill."""

    def tell(skills, context=families, seconds=(1.0, 900.0, 300.0), seed=1, n_motors=8, held_out=False):
        cells = simulate(skills, seed, n_motors, seconds=seconds, methods=METHODS, keeps_held_out=held_out)
        scores = score_cells(cells, context.classes)
        nested = nested_selection(cells, context) if held_out else None
        return verdict(cells, scores, rank_recipes(cells, scores, context.joint), context, nested)

    return tell


def test_plain_recipe_in_the_best_set_says_do_not_fine_tune(tell):
    text = tell((2.0, 2.1, 0.0))
    assert text.startswith(
        "**Do not fine-tune: nothing here is shown to beat the plain features**, as far as these 48 motors can tell. "
    )


def test_plain_recipe_that_beats_all_forecasters_is_called_better(tell):
    assert tell((4.0, 1.0, 0.0)).startswith("**Do not fine-tune: the plain features are better.** Use method order")


def test_plain_recipe_that_is_beaten_is_not_advised(tell):
    text = tell((0.0, 4.0, 1.0))
    assert "Do not fine-tune" not in text
    assert text.startswith("**Best recipe: method C, each domain alone. Macro-F1 0.")


def test_plain_recipes_alone_say_nothing_of_fine_tuning(tell, truth):
    context = replace(truth, families=dict.fromkeys(METHODS, "plain"))
    assert "fine-tune" not in tell((2.0, 2.0, 0.0), context)


def test_cheapest_of_recipes_that_cannot_be_told_apart_is_advised_with_both_costs(simulate, truth):
    cells = simulate((2.25, 2.3, 0.0), 1, seconds=(300.0, 900.0, 1.0), methods=METHODS)
    ranking = rank_recipes(cells, score_cells(cells, truth.classes), "Joint")
    text = decision(ranking, truth)
    assert text.startswith("**Use method order, each domain alone**: of the 2 recipes within one standard error")
    assert "for 10 min of compute" in text
    assert "for 30 min)" in text


def test_recipes_that_cannot_be_told_apart_say_how_many_motors_would_do(tell, truth):
    text = tell((1.6, 1.5, 1.4), truth, seconds=(0.0, 0.0, 0.0), n_motors=4)
    assert text.startswith("**These motors cannot tell the 3 recipes apart.**")
    assert "To tell it from method " in text
    assert "motors would show" in text


def test_expectation_is_that_of_nested_selection_where_there_is_one(tell, simulate, families):
    cells = simulate((1.5, 1.5, 1.5), 1, methods=METHODS, keeps_held_out=True)
    inside = nested_selection(cells, families).overall_of("all").chosen_inside
    text = tell((1.5, 1.5, 1.5), held_out=True)
    assert f"**Expect about {inside.value:.2f} [" in text
    assert "among 3 recipes inside the training folds" in text


def test_expectation_without_held_out_series_is_corrected_by_resampling(tell):
    assert "which flatters it by some 0.0" in tell((1.5, 1.5, 1.5))


def test_forecasters_that_miss_the_goal_are_named_column_by_column(tell, families):
    context = replace(families, goal=0.95)
    text = tell((2.0, 1.0, 0.0), context, held_out=True)
    assert "**they miss 0.95 in rig 1 alone; rig 2 alone**" in text
    assert "0.95 or more everywhere" in tell((2.0, 9.0, 0.0), context, held_out=True)
    assert "0.95" not in tell((2.0, 1.0, 0.0), held_out=True)


def test_best_forecaster_stands_beside_the_best_plain_recipe(tell):
    text = tell((4.0, 1.0, 0.0))
    assert "Best with a forecaster: method C, each domain alone, 0." in text
    assert "is beyond chance" in text
    assert "is within chance (48 motors)" in tell((2.0, 2.1, 0.0))
