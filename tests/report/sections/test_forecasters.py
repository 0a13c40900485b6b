"""The section on forecasters: errors beside the mean's, gates by class and speed, worst windows drawn."""

from dataclasses import replace

import pytest

from motor.report.drawing import draw
from motor.report.findings import cell_name, find
from motor.report.findings.forecasts import Forecasts
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
MOTORS = [
    {"domain": "rig", "motor": f"M{place}", "label": label, "n_windows": 4, "mae": 0.7 + place / 25, "mean_mae": 1.0}
    for place, label in enumerate(["normal", "normal", "spark", "spark"])
]
OF_NONE = {"rows": {"": ROW, "spark": ROW}, "ratio": {}, "motors": MOTORS}
OF_GRAM = {
    "rows": {"": GATED, "spark": GATED},
    "ratio": {"distance": 1.04, "skill": 0.97},
    "motors": [row | {"mae": row["mae"] - 0.5} for row in MOTORS],
}


@pytest.fixture(scope="module")
def compared(make_cell, context):
    """Cells of a grid that compares modules, judged by two classifiers."""
    given = [(used, judge) for used in ("none", "gram") for judge in ("lda", "svm")]
    cells = [make_cell(1.0, place, modules=used, classifier=judge) for place, (used, judge) in enumerate(given)]
    facts = {"none": OF_NONE, "gram": OF_GRAM}
    details = {"cells": {cell_name(cell.axes): {"forecasts": facts[cell.axes["modules"]]} for cell in cells}}
    return replace(find(cells, context), details=details)


@pytest.mark.parametrize("language", languages())
def test_each_recipe_is_there_once_whatever_judges_it(shown, compared, language):
    section = shown(compared, "forecasters", language)
    errors, ratios, gates = (
        [[value.text for value in row.values] for row in table.rows] for table in section.tables.values()
    )
    assert [row[1:6] for row in errors] == [["0.40", "0.48", "0.60", "0.71", "0.65"]] * 2
    assert [row[1] for row in ratios] == ["rig"] * 2
    assert [row[2].split()[0] for row in ratios] == ["0.76", "0.26"]
    assert [row[3:] for row in ratios] == [["", "4"], ["-0.50 [-0.50, -0.50]", "4"]]
    assert [row[2:] for row in gates] == [["0.83", "0.54 / 0.70 / 0.86", "90.0 %", "0.60", "0.95", "0.65"]] * 2
    assert [ratio in section.text for ratio in ("1.04", "0.97")] == [True, True]


@pytest.fixture(scope="module")
def sure(compared):
    """Forecasters of a memory, and of a gate and regimes."""
    of_memory = Forecasts({"method": "A"}, "bolt", 0.8, [], worst=[CASE])
    said = {"low": [0.5, 0.5], "high": [2.5, 2.5], "neighbours": [], "gate": {"tft": 0.75, "vssm": 0.25}}
    case = CASE | said | {"past": [0.0, 1.0, 0.0, 3.0], "regimes": [[0.9, 0.1], [0.2, 0.8]]}
    row = {"domain": "rig", "label": "spark", "n_windows": 9, "gate": said["gate"], "regimes": [0.55, 0.45]}
    by_speed = [row | {"speed_rpm": 600.0}, row | {"speed_rpm": None, "regimes": [0.35, 0.65]}]
    gated = Forecasts({"method": "C"}, "hybrid", 0.8, [], by_speed=by_speed, worst=[case])
    return replace(compared, details={**compared.details, "forecasts": [of_memory, gated]})


def test_neighbours_of_the_worst_windows_are_drawn_over_them(shown, sure):
    figure = shown(sure, "forecasters").figures[0]
    names = [curve["name"] for curve in figure.plot["data"]]
    assert len(names) == 3
    assert "M7, second 0.25, distance 0.31" in names[2]
    assert figure.plot["data"][0]["x"] == [-2.0, -1.0, 0.0, 1.0]


def test_regimes_are_drawn_beneath_the_worst_windows_and_the_gate_is_told(shown, sure, tmp_path):
    figure = shown(sure, "forecasters").figures[1]
    signal, _, _, _, *regimes = figure.plot["data"]
    assert len(regimes) == 2
    floor = -1.2 * 3.0
    assert regimes[0]["y"] == pytest.approx([floor + 3 * share for share in (0.9, 0.9, 0.2, 0.2)])
    assert max(map(max, (one["y"] for one in regimes))) < min(signal["y"])
    assert "tft 0.75, vssm 0.25" in figure.caption
    draw(tmp_path / "window.png", figure.plot)
    assert (tmp_path / "window.png").stat().st_size > 1000


@pytest.mark.parametrize("language", languages())
def test_gates_and_regimes_are_shaded_by_class_and_speed(shown, sure, language):
    gate, regimes = [table for table in shown(sure, "forecasters", language).tables.values() if table.style == "matrix"]
    assert [[value.text for value in row.values] for row in gate.rows] == [
        ["rig", "spark", "600", "0.75", "0.25"],
        ["rig", "spark", "–", "0.75", "0.25"],
    ]
    assert [[value.share for value in row.values[3:]] for row in regimes.rows] == [[0.55, 0.45], [0.35, 0.65]]


def test_grids_that_compare_no_forecasts_have_no_such_section(shown, make_cell, context):
    cells = [make_cell(1.0, place, classifier=judge) for place, judge in enumerate(("lda", "svm"))]
    details = {"cells": {cell_name(cell.axes): {"forecasts": OF_GRAM} for cell in cells}}
    assert not shown(replace(find(cells, context), details=details), "forecasters").blocks
