"""The section on forecasts: errors beside the mean's, directions beside the rule, gates by class, neighbours drawn."""

from dataclasses import replace

import pytest

from motor.report.findings import cell_name, find
from motor.report.words import languages

ROW = {"n_windows": 40, "mae": 0.48, "mse": 0.4, "mean_mae": 0.8, "said": 0.71, "reversion": 0.65}
GATE = {"gate": 0.83, "gate_deciles": [round(0.5 + 0.04 * place, 2) for place in range(11)], "gate_right": 0.9}
GATED = {**ROW, **GATE, "model_mae": 0.76, "memory_mae": 0.52}
CASE = {
    "item": "a.wav",
    "motor": "M1",
    "label": "spark",
    "second": 1.5,
    "past": [0.0, 1.0],
    "future": [1.0, 2.0],
    "forecast": [1.5, 1.5],
    "neighbours": [{"motor": "M7", "second": 0.25, "distance": 0.31, "past": [0.0, 0.9], "future": [1.1, 2.1]}],
}
OF_NONE = {"rows": {"": ROW, "spark": ROW}, "worst": [], "ratio": {}}
OF_GRAM = {"rows": {"": GATED, "spark": GATED}, "worst": [CASE], "ratio": {"distance": 1.04, "skill": 0.97}}


@pytest.fixture(scope="module")
def compared(make_cell, context):
    """Cells of a grid that compares modules, judged by two classifiers."""
    given = [(used, judge) for used in ("none", "gram") for judge in ("lda", "svm")]
    cells = [make_cell(1.0, place, modules=used, classifier=judge) for place, (used, judge) in enumerate(given)]
    told = {"none": OF_NONE, "gram": OF_GRAM}
    details = {"cells": {cell_name(cell.axes): {"forecasts": told[cell.axes["modules"]]} for cell in cells}}
    return replace(find(cells, context), details=details)


@pytest.mark.parametrize("language", languages())
def test_each_recipe_is_there_once_whatever_judges_it(shown, compared, language):
    section = shown(compared, "forecasts", language)
    errors, gates = ([[value.text for value in row.values] for row in table.rows] for table in section.tables.values())
    assert [row[1:6] for row in errors] == [["0.40", "0.48", "0.60", "0.71", "0.65"]] * 2
    assert [row[2:] for row in gates] == [["0.83", "0.54 / 0.70 / 0.86", "90.0 %", "0.60", "0.95", "0.65"]] * 2
    assert [told in section.text for told in ("1.04", "0.97")] == [True, True]


def test_neighbours_of_the_worst_windows_are_drawn_over_them(shown, compared):
    (figure,) = shown(compared, "forecasts").figures
    names = [curve["name"] for curve in figure.plot["data"]]
    assert len(names) == 3
    assert "M7, second 0.25, distance 0.31" in names[2]
    assert figure.plot["data"][0]["x"] == [-2.0, -1.0, 0.0, 1.0]


def test_grids_that_compare_no_forecasts_have_no_such_section(shown, make_cell, context):
    cells = [make_cell(1.0, place, classifier=judge) for place, judge in enumerate(("lda", "svm"))]
    details = {"cells": {cell_name(cell.axes): {"forecasts": OF_GRAM} for cell in cells}}
    assert not shown(replace(find(cells, context), details=details), "forecasts").blocks
