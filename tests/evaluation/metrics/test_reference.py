"""Each metric agrees with an independent reference, also where series weigh differently."""

import numpy as np
import pytest
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.metrics.expected_cost import ExpectedCost
from motor.evaluation.metrics.forecast_error import ForecastError
from motor.evaluation.sheet import sheet_of
from motor.registry import plugins

CLASSES = ("normal", "spark", "vibrate")
COSTS = {"normal": {"spark": 3.0, "vibrate": 1.0}, "spark": {"normal": 50.0}, "vibrate": {"normal": 20.0, "spark": 2.0}}


@pytest.fixture(scope="module")
def predictions(make_predictions):
    """Uneven classes, and probabilities with many ties."""
    table = make_predictions(quality=0.8).drop(index=range(20, 35)).reset_index(drop=True)
    names = [f"probability_{name}" for name in CLASSES]
    rounded = table[names].round(1) + 0.01
    table[names] = rounded.div(rounded.sum(axis=1), axis=0)
    return table


def probabilities(table):
    return table[[f"probability_{name}" for name in CLASSES]].to_numpy()


def cost(true, named, weight):
    each = [COSTS.get(one, {}).get(other, 0.0) for one, other in zip(true, named, strict=True)]
    return np.average(each, weights=weight)


def calibration(table, weight):
    """Of equal weights alone, which is what scikit-learn's curve has."""
    confidence = probabilities(table).max(axis=1)
    hit = np.array(CLASSES)[probabilities(table).argmax(axis=1)] == table["label"]
    share, mean = calibration_curve(hit, confidence, n_bins=10)
    counts = np.histogram(confidence, np.linspace(0, 1, 11))[0]
    return np.sum(counts[counts > 0] * np.abs(share - mean)) / counts.sum()


def detection(faulty, score, weight):
    false, found, _ = reference.roc_curve(faulty, score, sample_weight=weight, drop_intermediate=False)
    return np.interp(0.05, false, found)


def decisions(function, **settings):
    return lambda t, w: function(t["label"], t["predicted"], sample_weight=w, **settings)


def scores(function, **settings):
    return lambda t, w: function(t["label"] != "normal", 1 - t["probability_normal"], sample_weight=w, **settings)


REFERENCES = {
    "accuracy": decisions(reference.accuracy_score),
    "macro_f1": decisions(reference.f1_score, average="macro"),
    "balanced_accuracy": decisions(reference.balanced_accuracy_score),
    "matthews_correlation": decisions(reference.matthews_corrcoef),
    "cohen_kappa": decisions(reference.cohen_kappa_score),
    "expected_cost": lambda t, w: cost(t["label"], t["predicted"], w),
    "log_loss": lambda t, w: reference.log_loss(t["label"], probabilities(t), sample_weight=w, labels=CLASSES),
    "brier": lambda t, w: np.average(
        ((probabilities(t) - np.eye(3)[[CLASSES.index(one) for one in t["label"]]]) ** 2).sum(axis=1), weights=w
    ),
    "calibration_error": calibration,
    "roc_auc_macro": lambda t, w: reference.roc_auc_score(
        t["label"], probabilities(t), multi_class="ovr", average="macro", sample_weight=w
    ),
    "roc_auc_faulty": scores(reference.roc_auc_score),
    "pr_auc_faulty": scores(reference.average_precision_score),
    "partial_auc_faulty": scores(reference.roc_auc_score, max_fpr=0.1),
    "detection_at_false_alarms": lambda t, w: detection(t["label"] != "normal", 1 - t["probability_normal"], w),
    "false_alarm_rate": lambda t, w: np.average(t["alarm"][t["label"] == "normal"], weights=w[t["label"] == "normal"]),
    "detection_rate": lambda t, w: np.average(t["alarm"][t["label"] != "normal"], weights=w[t["label"] != "normal"]),
}


def metric_of(name):
    return ExpectedCost(costs=COSTS) if name == "expected_cost" else plugins("motor.evaluation.metrics")[name]()


@pytest.mark.parametrize("name", REFERENCES)
def test_metric_agrees_with_its_reference(predictions, name):
    found = classification_metrics(predictions, CLASSES, "normal", [metric_of(name)])
    assert found[name] == pytest.approx(REFERENCES[name](predictions, np.ones(len(predictions))), rel=1e-9)


@pytest.mark.parametrize("name", sorted(REFERENCES.keys() - {"calibration_error"}))
def test_metric_of_motors_that_weigh_differently_agrees_with_its_reference(predictions, name):
    sheet = sheet_of(predictions, CLASSES, "normal")
    weights_RM = np.random.default_rng(0).uniform(0.2, 3.0, size=(4, sheet.n_motors))
    found = metric_of(name).resampled(sheet.weighted(weights_RM))
    expected = [REFERENCES[name](predictions, weights_M[sheet.motor_n]) for weights_M in weights_RM]
    assert found == pytest.approx(np.array(expected), rel=1e-9)


def test_calibration_error_of_weights_counts_a_motor_of_weight_two_twice(predictions):
    import pandas as pd

    metric, sheet = metric_of("calibration_error"), sheet_of(predictions, CLASSES, "normal")
    weights_M = np.ones(sheet.n_motors)
    weights_M[3] = 2.0
    twice = pd.concat([predictions, predictions[sheet.motor_n == 3]])
    assert metric.resampled(sheet.weighted(weights_M[None]))[0] == pytest.approx(calibration(twice, None))


def test_expected_cost_is_counted_by_hand():
    import pandas as pd

    columns = {"item": list("abcd"), "motor": list("abcd"), "domain": "rig"}
    table = pd.DataFrame(columns | {"label": ["normal", "normal", "spark", "vibrate"], "fold": "0"})
    table["predicted"] = ["normal", "spark", "normal", "vibrate"]
    sheet = sheet_of(table, CLASSES, "normal")
    assert metric_of("expected_cost").measured(sheet) == pytest.approx((0 + 3 + 50 + 0) / 4)


def test_forecast_error_pools_windows_of_normal_series_near_the_origin(predictions):
    row = {"domain": "ShengYing", "label": "normal", "segment": "first_64", "n_windows": 1}
    rows = [
        row | {"error": 1.0, "mean_forecast_error": 2.0},
        row | {"error": 3.0, "mean_forecast_error": 4.0, "n_windows": 3},
        row | {"segment": "whole", "error": 9.0, "mean_forecast_error": 1.0},
        row | {"label": "spark", "error": 9.0, "mean_forecast_error": 1.0},
    ]
    found = classification_metrics(predictions, CLASSES, "normal", [ForecastError()], rows)
    assert found["forecast_error"] == pytest.approx((1 + 9) / (2 + 12))
    assert found["forecast_error_interval"] is None
    assert found["by_domain"]["ZhenDong"].get("forecast_error") is None
