from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from motor.report.findings import find
from motor.report.html.figures import comparison, overview, plain, spent_figure
from motor.report.html.figures_cell import calibration_bins, cell_figures, curve_points
from motor.report.html.figures_signal import signal_figures
from motor.report.html.words import words

SAID = words("en", "page")


@pytest.fixture(scope="module")
def findings(grid, context):
    return find(grid, context)


@pytest.fixture(scope="module")
def beside(grid, make_details):
    return make_details(grid)


@pytest.fixture(scope="module")
def of_cell(grid, beside):
    return cell_figures(grid[-1], next(reversed(beside["cells"].values())), SAID)


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
    names = ["roc", "pr", "calibration", "alarms", "residuals-0", "residuals-1", "tsne-label", "tsne-motor"]
    assert list(of_cell) == names
    assert all(as_plotly(figure).data for figure in of_cell.values())


def test_figures_of_the_grid_are_what_plotly_takes(findings, beside):
    shown = [*overview(findings, SAID).values(), spent_figure(beside["spent"], SAID)]
    shown += [comparison(advice, advice.question, SAID) for advice in findings.advice]
    assert all(as_plotly(figure).data for figure in shown)
    assert all(figure["label"] for figure in shown)


def test_figures_of_a_signal_have_its_unit(beside):
    signal = next(iter(beside["signals"].values()))
    figures = signal_figures(signal, SAID)
    assert [as_plotly(figure).layout.yaxis.title.text for figure in figures] == ["amplitude (m/s²)"] * 3


def test_overview_has_every_cell_once_with_its_score(findings):
    traces = [trace for figure in overview(findings, SAID).values() for trace in figure["data"]]
    drawn = {name: x for trace in traces for name, x in zip(trace["customdata"], trace["x"], strict=True)}
    assert len(drawn) == len(findings.cells)
    scores = sorted(cell.metrics["macro_f1"] for cell in findings.cells)
    assert sorted(drawn.values()) == pytest.approx(scores, rel=1e-3)


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


def test_calibration_of_true_probabilities_lies_on_the_diagonal():
    generator = np.random.default_rng(0)
    score = generator.random(20000)
    told, came, count = calibration_bins(score, generator.random(20000) < score)
    assert len(count) == 10
    assert count.sum() == 20000
    assert np.abs(told - came).max() < 0.03


def test_calibration_of_equal_probabilities_is_one_bin():
    told, came, count = calibration_bins(np.full(8, 0.25), np.arange(8) < 2)
    assert (told.tolist(), came.tolist(), count.tolist()) == ([0.25], [0.25], [8])


def test_cell_whose_series_are_all_of_one_class_has_no_curve(grid):
    cell = grid[0]
    only = replace(cell, predictions=cell.predictions[cell.predictions["label"] == "spark"])
    assert "roc" not in cell_figures(only, {}, SAID)


def test_plain_text_is_no_markup_for_plotly():
    assert plain("<b>a&lt;") == "&lt;b&gt;a&amp;lt;"
