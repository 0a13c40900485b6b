"""What every metric keeps to; a new plug-in is tested here with no new test."""

import re
from pathlib import Path

import numpy as np
import pytest

from motor.evaluation.cell_metrics import classification_metrics, every_metric
from motor.evaluation.metrics.base import PACKAGE, ClassMetric, Metric
from motor.evaluation.metrics.expected_cost import ExpectedCost
from motor.evaluation.sheet import sheet_of
from motor.registry import plugins

CLASSES = ("normal", "spark", "vibrate")
SETTINGS = {"expected_cost": {"costs": {"normal": {"spark": 1.0}, "spark": {"normal": 7.0}}}}
METRICS = {name: plugin(**SETTINGS.get(name, {})) for name, plugin in plugins(PACKAGE).items()}
NUMBERS = {name: metric for name, metric in METRICS.items() if isinstance(metric, Metric)}
RANKING = {name: metric for name, metric in NUMBERS.items() if metric.can_rank}


@pytest.fixture(scope="module")
def sheet(make_predictions):
    return sheet_of(make_predictions(0.8), CLASSES, "normal")


def test_every_plugin_is_a_metric_of_one_number_or_of_classes():
    assert all(isinstance(metric, Metric | ClassMetric) for metric in METRICS.values())
    assert all(metric.title and metric.better in ("higher", "lower") for metric in METRICS.values())


def test_shipped_metrics_are_ready_but_costs_that_nobody_gave():
    assert {metric.kind for metric in every_metric()} == METRICS.keys() - {"expected_cost"}


@pytest.mark.parametrize("name", RANKING)
def test_metric_lies_within_its_bounds_and_its_first_row_is_the_measured_value(sheet, name):
    values_R = RANKING[name].resampled(sheet)
    low, high = RANKING[name].bounds
    assert values_R.shape == (1001,)
    assert (values_R >= low - 1e-9).all()
    assert (values_R <= high + 1e-9).all()
    assert values_R[0] == pytest.approx(RANKING[name].measured(sheet))


@pytest.mark.parametrize("name", RANKING)
def test_better_answers_are_better_in_the_direction_that_the_metric_says(make_predictions, name):
    metric = RANKING[name]
    poor, good = (metric.measured(sheet_of(make_predictions(quality), CLASSES, "normal")) for quality in (0.1, 3.0))
    assert metric.sign * (good - poor) > 0


@pytest.mark.parametrize("name", sorted(RANKING.keys() - {"calibration_error", "detection_at_false_alarms"}))
def test_influence_adds_up_to_nothing_and_tells_a_change_of_weight(sheet, name):
    """Weights that all grow alike change no metric; kinked ones have no derivative everywhere."""
    metric = RANKING[name]
    influence_M = metric.influence(sheet)
    assert influence_M.shape == (sheet.n_motors,)
    assert abs(influence_M.sum()) < 1e-6 * max(1.0, np.abs(influence_M).sum())
    weights_M = 1.0 + 1e-3 * np.random.default_rng(1).normal(size=sheet.n_motors)
    change = metric.resampled(sheet.weighted(weights_M[None]))[0] - metric.measured(sheet)
    assert change == pytest.approx(influence_M @ (weights_M - 1.0), rel=0.05, abs=1e-6)


@pytest.mark.parametrize("name", RANKING)
def test_motors_that_are_judged_well_stand_above_those_that_are_not(make_predictions, name):
    poor, good = (sheet_of(make_predictions(quality), CLASSES, "normal") for quality in (0.1, 3.0))
    assert np.nanmean(RANKING[name].by_motor(good)) > np.nanmean(RANKING[name].by_motor(poor))


@pytest.mark.parametrize("name", RANKING)
def test_chance_is_no_better_than_answers_of_skill(make_predictions, name):
    metric, sheet = RANKING[name], sheet_of(make_predictions(3.0), CLASSES, "normal")
    levels = metric.chance(sheet)
    assert levels.keys() == {"majority", "uniform"}
    assert all(
        metric.sign * (metric.measured(sheet) - level) > 0 for level in levels.values() if name != "calibration_error"
    )


def test_metrics_that_a_detector_cannot_have_are_not_there_at_all(make_predictions):
    table = make_predictions(0.8)
    scored = table[["item", "motor", "domain", "label", "alarm"]].assign(score=1 - table["probability_normal"])
    found, of_classifier = (classification_metrics(one, CLASSES, "normal", METRICS.values()) for one in (scored, table))
    assert {name for name, metric in METRICS.items() if name in found} == {
        name for name, metric in METRICS.items() if metric.needs <= {"score", "alarm"}
    }
    assert all(found[name] == pytest.approx(of_classifier[name]) for name in ("roc_auc_faulty", "detection_rate"))
    assert (
        found["by_motor"][0]["n_errors"] == found["by_motor"][0]["false_alarms"] + found["by_motor"][0]["missed_faults"]
    )


def test_metric_that_gives_its_value_alone_is_resampled_one_by_one(sheet):
    class Hits(Metric):
        kind: str = "hits"

        def value(self, sheet, weight_n):
            return float(np.average(sheet.named_nC[np.arange(len(sheet.true_n)), sheet.true_n], weights=weight_n))

    assert Hits().resampled(sheet) == pytest.approx(METRICS["accuracy"].resampled(sheet))


def test_metric_that_gives_nothing_says_what_to_define(sheet):
    class Empty(Metric):
        kind: str = "empty"

    with pytest.raises(NotImplementedError, match="'empty' gives neither `value` nor `resampled`"):
        Empty().resampled(sheet)


def test_costs_below_zero_are_an_error():
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        ExpectedCost(costs={"normal": {"spark": -1.0}})


def test_metric_of_the_docs_is_a_metric_as_it_stands(sheet):
    text = (Path(__file__).parents[3] / "docs" / "judges.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    known: dict = {"__name__": "g_mean"}
    exec(compile(block, "g_mean.py", "exec"), known)
    recalls = METRICS["recall"].resampled(sheet)[0]
    assert known["PLUGIN"]().measured(sheet) == pytest.approx(np.prod(recalls) ** (1 / 3), rel=1e-6)
