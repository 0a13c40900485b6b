from dataclasses import replace

import pytest

from motor.report.findings import advised_cells, find
from motor.report.sections.cells import cells_table


@pytest.fixture(scope="module")
def findings(grid, context):
    return find(grid, context)


@pytest.fixture(scope="module")
def table(findings, shown):
    return cells_table(shown(findings, "cells").wording)


def column(table, title):
    (place,) = [place for place, column in enumerate(table.columns) if column.title.startswith(title)]
    return [row.values[place] for row in table.rows]


def test_cells_table_has_each_cell_with_its_link_the_advised_first(table, findings):
    assert len(table.rows) == 12
    assert all((row.values[0].target.kind, row.values[0].target.name) == ("cell", row.name) for row in table.rows)
    n_advised = len(advised_cells(findings))
    assert [row.is_advised for row in table.rows] == [True] * n_advised + [False] * (12 - n_advised)


def test_cells_table_is_ordered_by_the_score_that_it_shows(table, findings):
    scores = column(table, "Macro-F1 [")[len(advised_cells(findings)) :]
    assert [score.order for score in scores] == sorted((score.order for score in scores), reverse=True)
    assert all(score.text.startswith(f"{score.order:.2f}") for score in scores)


def test_filters_offer_the_axes_with_several_values(table):
    filters = {one.axis: list(one.values) for one in table.filters}
    assert filters == {"method": ["A", "C"], "domain": ["ShengYing", "ZhenDong", "Joint"], "classifier": ["lda", "svm"]}


def test_figures_of_the_regimes_have_every_cell_once_with_its_score(findings, shown):
    figures = shown(findings, "cells").figures
    assert [figure.name for figure in figures] == ["cells-0", "cells-1", "cells-2"]
    dots = [dot for figure in figures for row in figure.plot.rows for dot in row.dots]
    assert len({dot.target.name for dot in dots}) == len(dots) == len(findings.cells)
    scores = sorted(cell.metrics["macro_f1"] for cell in findings.cells)
    assert sorted(dot.value for dot in dots) == pytest.approx(scores)


def test_seeds_have_a_row_each(make_cell, context, shown):
    made = [make_cell(1.5, seed) for seed in (1, 2)]
    cells = [replace(one, axes={**one.axes, "seed": seed}) for seed, one in enumerate(made)]
    table = cells_table(shown(find(cells, context), "cells").wording)
    assert sorted(row.name for row in table.rows) == ["C/Joint/0", "C/Joint/1"]


def test_row_shows_skill_control_and_what_training_added(make_cell, context, shown):
    cells = [
        make_cell(quality, seed, method) for seed, (method, quality) in enumerate({"C": 4.0, "untrained": 1.0}.items())
    ]
    table = cells_table(shown(find(cells, replace(context, controls={"C": "untrained"})), "cells").wording)
    (row,) = [row for row in table.rows if row.name == "C/Joint"]
    texts = {column.title: value.text for column, value in zip(table.columns, row.values, strict=True)}
    assert texts["Forecast error, normal"] == "0.70"
    assert texts["Forecast error, faulty"] == "0.95"
    assert texts["Macro-F1 of the control"] == f"{cells[1].metrics['macro_f1']:.2f}"
    assert texts["Training added [95 %]"].startswith("+0.")
