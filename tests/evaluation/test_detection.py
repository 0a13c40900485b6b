"""How well normal is told from faulty without fault labels, beside classifiers."""

from dataclasses import replace

import numpy as np
import pytest

from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.cells import rankable
from motor.evaluation.detection import detections
from motor.evaluation.metrics.accuracy import Accuracy
from motor.evaluation.metrics.log_loss import LogLoss
from motor.evaluation.metrics.roc_auc_faulty import RocAucFaulty
from motor.evaluation.nested import nested_selection
from motor.evaluation.ranking import rank_recipes
from motor.evaluation.repeats import repeats
from motor.evaluation.scores import score_cells
from motor.report.findings.find import find
from motor.report.summary import summary

KINDS = ("normal", "inner", "outer")


def as_detector(cell, scale=1.0):
    """Return a cell whose judge gives a score alone, in another unit: what it knows of normal stays."""
    known = ["item", "motor", "domain", "label", "fold"]
    tables = {
        name: getattr(cell, name)[known].assign(score=scale * (1 - getattr(cell, name)["probability_normal"]))
        for name in ("predictions", "held_out")
    }
    axes = {**cell.axes, "classifier": f"detector of {cell.axes['method']}"}
    return replace(cell, axes=axes, **tables)


def measured(cell):
    predictions = cell.predictions.assign(alarm=False)
    metrics = classification_metrics(predictions, KINDS, "normal")
    return replace(cell, metrics=metrics, predictions=predictions, axes={"classifier": "lda", **cell.axes})


@pytest.fixture(scope="module")
def cells(simulate):
    """Two recipes of classifiers and two of detectors, the second of each better, in two domains."""
    classifiers = simulate((0.5, 2.5), 1, n_motors=16, keeps_held_out=True)
    detectors = [as_detector(cell, scale=40.0) for cell in simulate((0.2, 1.5), 2, n_motors=16, keeps_held_out=True)]
    return [measured(cell) for cell in (*classifiers, *detectors)]


def test_detections_are_ranked_by_area_best_first_and_by_sort(cells, truth):
    found = detections(cells, truth)
    assert [len(found.detectors), len(found.classifiers)] == [2, 2]
    assert found.detectors[0].auc > found.detectors[1].auc
    assert all("detector" in one.recipe.axes["classifier"] for one in found.detectors)
    low, high = found.detectors[0].interval
    assert low < found.detectors[0].auc < high
    expected = np.mean([cell.metrics["roc_auc_faulty"] for cell in cells if cell.axes["method"] == "m1"][2:])
    assert found.detectors[0].auc == pytest.approx(expected)


def test_detections_say_what_the_labels_add(cells, truth):
    found = detections(cells, truth)
    assert found.gained.value == pytest.approx(found.classifiers[0].auc - found.detectors[0].auc)
    assert found.kind in ("labels pay", "cannot tell", "labels do not pay")
    assert found.gained.told_apart == (found.kind != "cannot tell")


def test_detections_of_a_grid_without_classifiers_stand_alone(cells, truth):
    found = detections(cells[4:], truth)
    assert (found.kind, found.gained, found.classifiers) == ("alone", None, ())
    assert found.chosen_inside.value == pytest.approx(found.detectors[0].auc, abs=0.1)


def test_detections_of_a_grid_without_detectors_are_none(cells, truth):
    assert detections(cells[:4], truth) is None


def test_detectors_are_not_ranked_by_a_metric_of_classes(cells):
    assert rankable(cells, Accuracy()) == cells[:4]
    assert rankable(cells, RocAucFaulty()) == cells


def test_both_sorts_are_ranked_together_by_area(cells, truth):
    scores = score_cells(cells, truth.classes, RocAucFaulty(), truth.normal)
    ranking = rank_recipes(cells, scores, truth.joint)
    assert len(ranking.recipes) == 4
    assert list(ranking.scores_RK[0]) == sorted(ranking.scores_RK[0], reverse=True)


def test_nested_selection_chooses_among_both_sorts(cells, truth):
    nested = nested_selection(cells, replace(truth, rank_by=RocAucFaulty()))
    overall = nested.overall_of("all")
    assert overall.n_recipes == 4
    assert 0.5 < overall.chosen_inside.value <= overall.best_of_all.value + 0.05
    assert all(0.5 < figure.vote_of_all.value < 1 for figure in nested.of("all"))


def test_ranking_by_a_metric_of_which_less_is_better_puts_the_least_first(cells, truth):
    classifiers = cells[:4]
    scores = score_cells(classifiers, truth.classes, LogLoss(), truth.normal)
    ranking = rank_recipes(classifiers, scores, truth.joint)
    assert ranking.recipes[0].method == "m1"
    assert ranking.scores_RK[0, 0] < ranking.scores_RK[0, 1]
    lead = ranking.behind[0]
    assert lead.value == pytest.approx(ranking.scores_RK[0, 1] - ranking.scores_RK[0, 0])
    assert lead.value > 0
    assert lead.told_apart
    assert lead.value > 0
    assert ranking.optimism >= 0
    assert ranking.near_best == [ranking.recipes[0]]


def test_nested_selection_by_less_is_better_chooses_the_least_held_out(cells, truth):
    nested = nested_selection(cells[:4], replace(truth, rank_by=LogLoss()))
    assert {choice.axes["method"] for choice in nested.overall_of("all").chosen.values()} == {"m1"}
    best = nested.overall_of("all").best_of_all.value
    assert best == min(best, nested.overall_of("all").chosen_inside.value)


def test_rows_have_the_value_of_the_metric_that_ranks(cells):
    rows = repeats(cells[:4], LogLoss())
    assert [row.value for row in rows] == [cell.metrics["log_loss"] for cell in cells[:4]]
    assert rows[0].interval(KINDS) == cells[0].metrics["log_loss_interval"]
    assert repeats(cells[4:])[0].value == 0.0  # by macro-F1, which no detector has: the worst that there is


def test_report_tells_what_is_detected_and_nothing_without_cells(cells, truth):
    findings = find(cells, truth)
    assert [one["name"] for one in summary(findings)["detection"]["recipes"][:1]] == [
        detections(cells, truth).detectors[0].recipe.name
    ]
    assert find([], truth).detections is None
