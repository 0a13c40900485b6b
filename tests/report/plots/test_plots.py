from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from motor.report.findings import find
from motor.report.plots.base import cell_plots, plain, rounded
from motor.report.plots.calibration import calibration_bins
from motor.report.plots.curves import curve_points
from motor.report.plots.signals import signal_blocks, signal_figures
from motor.report.words import words


@pytest.fixture(scope="module")
def findings(grid, context):
    return find(grid, context)


@pytest.fixture(scope="module")
def beside(grid, make_details):
    return make_details(grid)


@pytest.fixture(scope="module")
def wording(findings, shown):
    return shown(findings, "cell").wording


@pytest.fixture(scope="module")
def of_cell(grid, beside, wording):
    figures = cell_plots(wording, grid[-1], next(reversed(beside["cells"].values())))
    return {figure.name: figure.plot for figure in figures}


def as_plotly(figure):
    """Check a figure against Plotly's own schema; the page's colour names become black."""
    from plotly.graph_objects import Figure

    def coloured(value):
        if isinstance(value, dict):
            return {key: coloured(item) for key, item in value.items()}
        if isinstance(value, list):
            return [coloured(item) for item in value]
        return "black" if isinstance(value, str) and value.startswith("var:") else value

    return Figure(data=coloured(figure["data"]), layout=coloured(figure["layout"]))


def test_figures_of_a_cell_are_what_plotly_takes(of_cell):
    first = ["roc", "pr", "calibration", "fault-scores", "learning"]
    assert list(of_cell) == [*first, "residuals-0", "residuals-1", "tsne-label", "tsne-motor"]
    assert all(as_plotly(figure).data for figure in of_cell.values())


def test_figures_of_a_signal_have_its_unit(beside, wording):
    signal = next(iter(beside["signals"].values()))
    figures = signal_figures("one", signal, wording)
    assert [as_plotly(figure.plot).layout.yaxis.title.text for figure in figures] == ["amplitude (m/s²)"] * 3


def test_roc_curve_is_as_large_as_the_metric(of_cell, grid):
    curve = of_cell["roc"]["data"][0]
    assert auc(curve["x"], curve["y"]) == pytest.approx(grid[-1].metrics["roc_auc_faulty"], abs=2e-3)


def test_thinned_curve_keeps_its_ends_and_its_area():
    generator = np.random.default_rng(0)
    score, truth = generator.random(3000), generator.random(3000) < 0.5
    score += 0.3 * truth
    order = np.argsort(-score)
    x, y = np.cumsum(~truth[order]) / (~truth).sum(), np.cumsum(truth[order]) / truth.sum()
    thin_x, thin_y = curve_points(x, y, 80)
    assert len(thin_x) <= 80
    assert (thin_x[0], thin_x[-1], thin_y[-1]) == (x[0], 1.0, 1.0)
    assert auc(thin_x, thin_y) == pytest.approx(roc_auc_score(truth, score), abs=2e-3)


def test_numbers_of_an_array_are_rounded_as_they_are_one_by_one():
    generator = np.random.default_rng(0)
    values = generator.normal(size=2000) * 10.0 ** generator.integers(-12, 12, 2000)
    values[:6] = 0.0, -1.0, 0.5, 1.0, 100.0, 99999.0
    assert rounded(values, 3) == rounded(values.tolist(), 3)
    assert rounded(np.array([5e-324, 1e-310, 1.7e308, -1e-305])) == pytest.approx([0.0, 0.0, 1.7e308, 0.0])


def test_points_that_say_nothing_go_whatever_the_room():
    x, y = np.array([0.0, 0, 0, 0, 0.5, 1, 1, 1]), np.array([1.0, 0, 0, 0, 0.5, 1, 0, 1])
    thin_x, thin_y = curve_points(x, y)
    assert (thin_x.tolist(), thin_y.tolist()) == ([0, 0, 1, 1, 1], [1, 0, 1, 0, 1])


def test_equal_steps_are_thinned_evenly():
    steps = np.repeat(np.arange(1001.0) / 1000, 2)
    thin_x, thin_y = curve_points(steps[1:], steps[:-1], 100)
    assert len(thin_x) == 100
    assert np.abs(thin_x - thin_y).max() < 0.05


def test_calibration_of_true_probabilities_lies_on_the_diagonal():
    generator = np.random.default_rng(0)
    score = generator.random(20000)
    predicted, came, count = calibration_bins(score, generator.random(20000) < score)
    assert len(count) == 10
    assert count.sum() == 20000
    assert np.abs(predicted - came).max() < 0.03


def test_calibration_of_equal_probabilities_is_one_bin():
    predicted, came, count = calibration_bins(np.full(8, 0.25), np.arange(8) < 2)
    assert (predicted.tolist(), came.tolist(), count.tolist()) == ([0.25], [0.25], [8])


def test_cell_whose_series_are_all_of_one_class_has_no_curve(grid, wording):
    cell = grid[0]
    only = replace(cell, predictions=cell.predictions[cell.predictions["label"] == "spark"])
    assert "roc" not in [figure.name for figure in cell_plots(wording, only, {})]


def test_plain_text_is_no_markup_for_plotly():
    assert plain("<b>a&lt;") == "&lt;b&gt;a&amp;lt;"


def test_detector_has_its_curves_and_no_calibration(grid, wording):
    scored = grid[-1].predictions.rename(columns={"probability_spark": "score"})
    table = scored.drop(columns=["predicted", "probability_normal", "probability_vibrate"])
    metrics = {**grid[-1].metrics}
    metrics = {key: value for key, value in metrics.items() if key not in ("roc_auc", "confusion")}
    figures = [figure.name for figure in cell_plots(wording, replace(grid[-1], predictions=table, metrics=metrics), {})]
    assert figures == ["roc", "pr", "fault-scores"]


OWN = """
from typing import Literal
from motor.report.document import Figure
from motor.report.plots.base import CellPlot

class Mine(CellPlot):
    kind: Literal["mine"] = "mine"
    PLACE = 1.0
    WORDS = {"en": {"label": "My figure"}}

    def figures(self, cell, beside, wording):
        plot = {"data": [], "layout": {"height": 200}, "height": 200}
        return [Figure("mine", plot, wording.say("label"))]

PLUGIN = Mine
"""


def test_figure_of_ones_own_is_one_file(grid, wording, tmp_path):
    from motor.registry import load, using

    (tmp_path / "mine.py").write_text(OWN, encoding="utf-8")
    with using(load((), "mine.py", tmp_path)):
        first, *_ = cell_plots(wording, grid[-1], {})
    assert (first.name, first.label) == ("mine", "My figure")


def test_evidence_of_a_signal_is_told_and_marked_in_the_envelope_spectrum(beside, wording):
    f_hz = [float(f) for f in range(0, 400, 2)]
    line = {"order": 3.58, "hertz": 104.0, "height_db": 14.2, "component": "outer_race", "stands_out": True}
    weak = {**line, "order": 9.1, "hertz": 264.0, "component": None, "stands_out": False}
    signal = {**next(iter(beside["signals"].values())), "evidence": [line, weak]}
    signal["envelope_spectrum"] = {"f_hz": f_hz, "amplitude": [1.0] * len(f_hz)}
    _, paragraph, columns = signal_blocks("one", signal, wording)
    assert "outer race at 3.58 x the shaft (104 Hz), 14 dB" in paragraph.text
    marks = columns.parts[2][0].plot["data"][1:]
    assert [mark["x"] for mark in marks] == [[104.0, 208.0, 312.0]]
    assert as_plotly(columns.parts[2][0].plot).data[1].name == "outer race"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_part_of_a_machine_has_a_word(language):
    from motor.recordings.machines import Machine

    machine = Machine(bearing="UER204 LDK", teeth=9, blades=9, line_hz=50, poles=2, slots=9, bars=9)
    assert {f"part.{name}" for name in (*machine.parts(), "unknown")} <= words(language).entries.keys()
