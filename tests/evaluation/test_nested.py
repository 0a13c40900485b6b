from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from motor.evaluation.nested import nested_selection


def with_axes(cell, **axes):
    return replace(cell, axes={**cell.axes, **axes})


@pytest.fixture(scope="module")
def cells(simulate):
    return simulate((1.0, 2.5, 1.0), 1, methods=("A", "physics", "C"), keeps_held_out=True)


@pytest.fixture(scope="module")
def families(truth):
    return replace(truth, families={"A": "forecaster", "C": "forecaster", "physics": "plain"})


def test_nested_figure_agrees_with_choosing_by_hand(cells, truth):
    of_domain = [cell for cell in cells if cell.axes["domain"] == "rig 1"]
    true, predicted = [], []
    for fold in "0123":
        held = [cell.held_out[cell.held_out["fold"] == fold] for cell in of_domain]
        best = max(range(3), key=lambda at: f1_score(held[at]["label"], held[at]["predicted"], average="macro"))
        rows = of_domain[best].predictions.query("fold == @fold")
        true, predicted = [*true, *rows["label"]], [*predicted, *rows["predicted"]]
    figure = nested_selection(cells, truth).of("all")[0]
    assert figure.domain == "rig 1"
    assert figure.chosen_inside.value == pytest.approx(f1_score(true, predicted, average="macro"))


def test_naive_best_agrees_with_the_greatest_macro_f1(cells, truth):
    scores = [
        f1_score(cell.predictions["label"], cell.predictions["predicted"], average="macro")
        for cell in cells
        if cell.axes["domain"] == "rig 2"
    ]
    figure = nested_selection(cells, truth).of("all")[1]
    assert figure.best_of_all.value == pytest.approx(max(scores))
    assert figure.best_of_all_name == "method physics"


def test_vote_agrees_with_the_mean_probability(cells, truth):
    of_domain = [cell.predictions for cell in cells if cell.axes["domain"] == "rig 1"]
    names = [f"probability_{name}" for name in truth.classes]
    mean = np.mean([table[names].to_numpy() for table in of_domain], axis=0)
    expected = f1_score(of_domain[0]["label"], np.array(truth.classes)[mean.argmax(axis=1)], average="macro")
    assert nested_selection(cells, truth).of("all")[0].vote_of_all.value == pytest.approx(expected)


def test_choice_does_not_see_the_test_series(cells, truth):
    def spoil(cell):
        wrong = cell.axes["method"] == "physics"
        return replace(cell, predictions=cell.predictions.assign(predicted="inner")) if wrong else cell

    before, after = nested_selection(cells, truth), nested_selection([spoil(cell) for cell in cells], truth)
    assert [one.choices for one in before.figures] == [one.choices for one in after.figures]
    assert after.figures[0].chosen_inside.value < 0.3 < after.figures[0].best_of_all.value


def test_families_are_scored_by_themselves(cells, families):
    nested = nested_selection(cells, families)
    assert [figure.n_recipes for figure in nested.of("forecaster")] == [2, 2]
    assert {*nested.of("forecaster")[0].choices.values()} <= {"method A", "method C"}
    assert {*nested.of("plain")[0].choices.values()} == {"method physics"}


def test_ties_go_first_to_the_recipe_whose_probabilities_are_better(cells, truth):
    vague = with_axes(replace(cells[0], seconds=1.0), method="vague")
    table = vague.held_out
    better = {
        f"probability_{name}": 0.5 * table[f"probability_{name}"] + 0.5 * (table["label"] == name)
        for name in truth.classes
    }
    sure = with_axes(replace(vague, held_out=table.assign(**better), seconds=9.0), method="sure")
    assert {*nested_selection([vague, sure], truth).figures[0].choices.values()} == {"method sure"}


def test_ties_go_to_the_cheaper_recipe_then_to_the_first(cells, truth):
    costs = {"A": 5.0, "B": 1.0, "D": 1.0}
    (first, *_) = cells
    equal = [replace(with_axes(first, method=method), seconds=cost) for method, cost in costs.items()]
    assert {*nested_selection(equal, truth).figures[0].choices.values()} == {"method B"}


def test_cells_without_held_out_series_take_no_part_and_are_named(cells, truth):
    missing = replace(with_axes(cells[0], method="new"), held_out=cells[0].held_out.iloc[:0])
    lacking_fold = replace(with_axes(cells[0], method="half"), held_out=cells[0].held_out.query("fold != '2'"))
    nested = nested_selection([*cells, missing, lacking_fold], truth)
    assert nested.without_held_out == ("method new, rig 1", "method half, rig 1")
    assert nested.figures[0].n_recipes == 3
    assert [axes["method"] for axes in nested.idle] == ["new", "half"]


def test_seeds_of_one_recipe_are_averaged(simulate, truth):
    seeds = [with_axes(cell, seed=seed) for seed in (1, 2) for cell in simulate((1.5,), seed, keeps_held_out=True)]
    (figure, _) = nested_selection(seeds, truth).figures
    tables = [cell.predictions for cell in seeds if cell.axes["domain"] == "rig 1"]
    expected = f1_score(
        *(np.concatenate([table[name] for table in tables]) for name in ("label", "predicted")), average="macro"
    )
    assert figure.n_recipes == 1
    assert figure.chosen_inside.value == pytest.approx(expected)


def test_joint_is_judged_in_each_domain_and_competes_over_all(cells, truth):
    import pandas as pd

    both = [cell for cell in cells if cell.axes["method"] == "physics"]
    tables = {name: pd.concat([getattr(cell, name) for cell in both]) for name in ("predictions", "held_out")}
    joint = replace(both[0], axes={"method": "physics", "domain": "Joint"}, **tables)
    nested = nested_selection([*cells, joint], truth)
    places = [(figure.regime, figure.domain) for figure in nested.of("all")]
    assert places == [("rig 1", "rig 1"), ("rig 2", "rig 2"), ("Joint", "rig 1"), ("Joint", "rig 2")]
    assert nested.of("all")[2].chosen_inside.value == pytest.approx(nested.of("all")[0].best_of_all.value)
    assert nested.overall_of("all").n_recipes == 4


def test_overall_figure_is_the_mean_over_the_domains(cells, truth):
    nested = nested_selection(cells, truth)
    overall = nested.overall_of("all")
    assert set(overall.choices.values()) == {"method physics, each domain alone"}
    assert overall.best_of_all.value == pytest.approx(np.mean([one.best_of_all.value for one in nested.of("all")]))


def test_order_of_rows_changes_nothing(cells, truth):
    shuffled = [
        replace(
            cell,
            predictions=cell.predictions.sample(frac=1, random_state=place),
            held_out=cell.held_out.sample(frac=1, random_state=place),
        )
        for place, cell in enumerate(cells)
    ]
    assert nested_selection(shuffled, truth) == nested_selection(cells, truth)


def test_nothing_held_out_is_said(simulate, truth):
    nested = nested_selection(simulate((1.0,), 1), truth)
    assert nested.figures == ()
    assert nested.overall == ()


def test_folds_that_hold_out_few_motors_still_choose(simulate, truth):
    cells = simulate((2.6, 1.5), 1, n_motors=3, n_folds=3, keeps_held_out=True)
    nested = nested_selection(cells, truth)
    assert all(list(figure.choices) == ["0", "1", "2"] for figure in nested.figures)
    assert all(0.4 < figure.vote_within_reach.value <= 1 for figure in nested.figures)
