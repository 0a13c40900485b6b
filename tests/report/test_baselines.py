"""Every method beside every other, regime by regime."""

from dataclasses import replace
from itertools import product

import pytest

from motor.evaluation.cells import cell_key
from motor.evaluation.nested import ALL, Figure, Nested, NestedFigure
from motor.evaluation.repeats import repeats
from motor.evaluation.scores import score_cells
from motor.report.baselines import (
    baseline_table,
    chosen_inside_table,
    leaky_table,
    recipe_rows,
    regime_columns,
    seeds_table,
)

CLASSES = ("normal", "spark", "vibrate")
REGIMES = ("ShengYing", "ZhenDong", "Joint")


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
def scored(cells):
    return repeats(cells), score_cells(cells, CLASSES)


def lines(table):
    return [[part.strip() for part in line.strip("|").split("|")] for line in table.splitlines()]


def test_columns_are_each_domain_alone_then_joint_in_each(scored):
    assert regime_columns(*scored, "Joint") == [
        ("ShengYing", "ShengYing"),
        ("ZhenDong", "ZhenDong"),
        ("Joint", "ShengYing"),
        ("Joint", "ZhenDong"),
    ]


def test_baseline_table_names_the_best_recipe_of_each_method_best_method_first(cells, scored, context):
    header, _, first, second = lines(baseline_table(*scored, context))
    assert header == [
        "method",
        "ShengYing alone",
        "ZhenDong alone",
        "Joint, in ShengYing",
        "Joint, in ZhenDong",
        "least",
    ]
    assert first == ["order", *["1.00 † (svm)"] * 4, "1.00"]
    best = max(cells[index].metrics["macro_f1"] for index in (0, 3))
    assert second[1].startswith(f"{best:.2f} [")


def test_recipe_rows_judge_joint_in_each_domain(cells, scored, context):
    (row,) = [row for row in recipe_rows(*scored, context) if row[:2] == ["A", "lda"]]
    expected = cells[2].metrics["by_domain"]["ZhenDong"]["macro_f1"]
    assert row[5].startswith(f"{expected:.2f} [")
    assert row[6] == f"{min(float(text.split()[0]) for text in row[2:6]):.2f}"


def test_method_without_a_regime_has_dashes_there(cells, context):
    kept = [cell for cell in cells if cell.axes["method"] == "A" or cell.axes["domain"] != "Joint"]
    table = baseline_table(repeats(kept), score_cells(kept, CLASSES), context)
    (row,) = [row for row in lines(table) if row[0] == "order"]
    assert row[3:5] == ["–", "–"]


def test_seeds_table_has_a_column_a_seed_with_mean_and_spread(make_cell):
    cells = [make_cell(1.0, draws) for draws in (1, 2)]
    cells = [replace(cell, axes={**cell.axes, "seed": seed}) for cell, seed in zip(cells, (11, 9), strict=True)]
    header, _, row = lines(seeds_table(repeats(cells)))
    assert header == ["method", "domain", "seed 9", "seed 11", "mean", "spread"]
    values = [cell.metrics["macro_f1"] for cell in (cells[1], cells[0])]
    assert row[2:5] == [f"{value:.2f}" for value in (*values, sum(values) / 2)]


def test_seeds_table_of_one_seed_is_not_there(scored):
    assert seeds_table(scored[0]) == ""


def test_leaky_table_shows_both_figures_and_the_difference(cells, scored, context):
    asked = replace(context, leaky={cell_key(cells[3].axes): 1.0})
    (row,) = lines(leaky_table(scored[0], asked))[2:]
    clean = cells[3].metrics["macro_f1"]
    assert row == ["A", "ShengYing", "svm", f"{clean:.2f}", "1.00", f"**{1 - clean:+.2f}**"]


def test_leaky_table_that_nobody_asked_for_is_not_there(scored, context):
    assert leaky_table(scored[0], context) == ""


def test_chosen_inside_table_has_the_nested_figure_of_each_method(scored, context):
    figure = Figure(0.71, (0.6, 0.8))
    found = NestedFigure(ALL, "Joint", "ZhenDong", 2, figure, figure, "svm", figure, figure, {"0": "svm"})
    nested = {"A": Nested((found,)), "order": Nested()}
    header, _, row = lines(chosen_inside_table(nested, *scored, context))
    assert header[-2:] == ["least", "mean"]
    assert row == ["A", "–", "–", "–", "0.71 [0.60, 0.80]", "0.71", "0.71"]
