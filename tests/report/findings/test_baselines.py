"""Every method beside every other, regime by regime."""

from dataclasses import replace
from itertools import product

import pytest

from motor.evaluation.cells import cell_key
from motor.evaluation.nested import ALL, Figure, Nested, NestedFigure
from motor.report.findings import find
from motor.report.findings.baselines import (
    best_of_methods,
    inside_by_method,
    leaky_pairs,
    least_and_mean,
    recipes_by_column,
    regime_columns,
)

REGIMES = ("ShengYing", "ZhenDong", "Joint")
COLUMNS = [("ShengYing", "ShengYing"), ("ZhenDong", "ZhenDong"), ("Joint", "ShengYing"), ("Joint", "ZhenDong")]


@pytest.fixture(scope="module")
def cells(make_cell):
    qualities = {("A", "lda"): 0.5, ("A", "svm"): 1.0, ("order", "lda"): 1.5, ("order", "svm"): 50.0}
    return [
        make_cell(quality, seed, method, domain, classifier=classifier)
        for seed, ((method, classifier), quality, domain) in enumerate(
            (key, quality, domain) for (key, quality), domain in product(qualities.items(), REGIMES)
        )
    ]


@pytest.fixture(scope="module")
def found(cells, context):
    return find(cells, context)


def test_columns_are_each_domain_alone_then_joint_in_each(found):
    assert regime_columns(found.rows, found.scores, "Joint") == COLUMNS


def test_best_of_methods_names_the_best_recipe_of_each_method_best_method_first(cells, found):
    (first, best), (second, other) = best_of_methods(found.rows, found.scores, COLUMNS)
    assert (first, second) == ("order", "A")
    assert [(row.axes["classifier"], figure.value) for row, figure in best] == [("svm", 1.0)] * 4
    assert other[0][1].value == pytest.approx(max(cells[index].metrics["macro_f1"] for index in (0, 3)))


def test_table_of_the_best_marks_what_is_too_good_and_ends_with_the_least(shown, found):
    section = shown(found, "methods")
    (first, *_) = section.rows("best recipe of that column")
    assert first == ["order", *["1.00 † (svm)"] * 4, "1.00"]
    (table,) = [table for caption, table in section.tables.items() if "best recipe of that column" in caption]
    titles = ["Method", "ShengYing alone", "ZhenDong alone", "Joint, in ShengYing", "Joint, in ZhenDong", "Least"]
    assert [column.title for column in table.columns] == titles


def test_recipes_judge_joint_in_each_domain(cells, found):
    recipes = {
        tuple(axes.values())[::2]: values for axes, values in recipes_by_column(found.rows, found.scores, COLUMNS)
    }
    values = recipes["A", "lda"]
    assert values[3].value == pytest.approx(cells[2].metrics["by_domain"]["ZhenDong"]["macro_f1"])
    assert least_and_mean(values)[0] == min(value.value for value in values)


def test_method_without_a_regime_has_nothing_there(cells, context):
    kept = [cell for cell in cells if cell.axes["method"] == "A" or cell.axes["domain"] != "Joint"]
    part = find(kept, context)
    by_method = dict(best_of_methods(part.rows, part.scores, COLUMNS))
    assert by_method["order"][2:] == [None, None]


def test_seeds_have_a_column_a_seed_with_mean_and_spread(shown, make_cell, context):
    cells = [make_cell(1.0, draws) for draws in (1, 2)]
    cells = [replace(cell, axes={**cell.axes, "seed": seed}) for cell, seed in zip(cells, (11, 9), strict=True)]
    section = shown(find(cells, context), "ranks")
    ((*_, first, second, mean, spread),) = section.rows("by seed")
    values = [cell.metrics["macro_f1"] for cell in (cells[1], cells[0])]
    assert [first, second, mean.split()[0]] == [f"{value:.2f}" for value in (*values, sum(values) / 2)]
    assert spread.startswith("± 0.")


def test_one_seed_is_no_table(shown, found):
    assert not [caption for caption in shown(found, "ranks").tables if "seed" in caption]


def test_leaky_shows_both_figures_and_the_difference(shown, cells, context):
    asked = find(cells, replace(context, leaky={cell_key(cells[3].axes): 1.0}))
    clean = cells[3].metrics["macro_f1"]
    assert [(row.axes["classifier"], value) for row, value in leaky_pairs(asked.rows, asked.context)] == [("svm", 1.0)]
    (row,) = shown(asked, "audit").rows("split that leaks")
    assert row == ["A", "ShengYing", "svm", f"{clean:.2f}", "1.00", f"{1 - clean:+.2f}"]


def test_leaky_that_nobody_asked_for_is_not_there(found, context):
    assert leaky_pairs(found.rows, context) == []


def test_inside_by_method_has_the_nested_figure_of_each_method(found):
    figure = Figure(0.71, (0.6, 0.8))
    nested = NestedFigure(ALL, "Joint", "ZhenDong", 2, figure, figure, "svm", figure, figure, {"0": "svm"})
    ((method, values),) = inside_by_method({"A": Nested((nested,)), "order": Nested()}, COLUMNS)
    assert (method, values) == ("A", [None, None, None, figure])
    assert least_and_mean(values) == (0.71, 0.71)
