import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from motor.evaluation.cell_metrics import classification_metrics

CLASSES = ("normal", "spark", "vibrate")
PROBABILITIES = [f"probability_{name}" for name in CLASSES]


@pytest.fixture
def predictions(make_predictions):
    """Uneven classes, and probabilities with many ties."""
    table = make_predictions(quality=0.8).drop(index=range(20, 35)).reset_index(drop=True)
    table[PROBABILITIES] = table[PROBABILITIES].round(1)
    return table


@pytest.fixture
def measured(predictions):
    return classification_metrics(predictions, CLASSES, "normal")


def test_accuracy_and_macro_f1_agree_with_sklearn(predictions, measured):
    true, predicted = predictions["label"], predictions["predicted"]
    assert measured["accuracy"] == pytest.approx(reference.accuracy_score(true, predicted))
    assert measured["macro_f1"] == pytest.approx(reference.f1_score(true, predicted, average="macro"))


def test_values_by_class_agree_with_sklearn(predictions, measured):
    values = reference.precision_recall_fscore_support(predictions["label"], predictions["predicted"], labels=CLASSES)
    for name, expected in zip(("precision", "recall", "f1"), values, strict=False):
        assert list(measured[name].values()) == pytest.approx(list(expected))
    assert list(measured["series_by_class"].values()) == list(values[3])


def test_roc_auc_agrees_with_sklearn(predictions, measured):
    for name in CLASSES:
        expected = reference.roc_auc_score(predictions["label"] == name, predictions[f"probability_{name}"])
        assert measured["roc_auc"][name] == pytest.approx(expected)
    assert measured["roc_auc_macro"] == pytest.approx(np.mean(list(measured["roc_auc"].values())))


def test_normal_against_faulty_agrees_with_sklearn(predictions, measured):
    faulty, score = predictions["label"] != "normal", 1 - predictions["probability_normal"]
    assert measured["roc_auc_faulty"] == pytest.approx(reference.roc_auc_score(faulty, score))
    assert measured["pr_auc_faulty"] == pytest.approx(reference.average_precision_score(faulty, score))


def test_brier_agrees_with_its_definition(predictions, measured):
    expected = np.mean(
        [
            sum((row[f"probability_{name}"] - (row["label"] == name)) ** 2 for name in CLASSES)
            for _, row in predictions.iterrows()
        ]
    )
    assert measured["brier"] == pytest.approx(expected)


def test_confusion_agrees_with_sklearn(predictions, measured):
    expected = reference.confusion_matrix(predictions["label"], predictions["predicted"], labels=CLASSES)
    assert [list(row.values()) for row in measured["confusion"].values()] == expected.tolist()


def test_alarm_rates_agree_with_counting(predictions, measured):
    alarm, label = predictions["alarm"], predictions["label"]
    assert measured["false_alarm_rate"] == pytest.approx(alarm[label == "normal"].mean())
    assert measured["detection_rate"] == pytest.approx(alarm[label != "normal"].mean())
    assert measured["detection_by_class"]["spark"] == pytest.approx(alarm[label == "spark"].mean())


def test_chance_levels_agree_with_sklearn_on_such_answers(predictions, measured):
    true = predictions["label"]
    majority = reference.f1_score(true, [true.mode()[0]] * len(true), average="macro")
    every_answer = reference.f1_score(np.repeat(true, 3), np.tile(CLASSES, len(true)), average="macro")
    assert measured["chance"] == pytest.approx({"majority": majority, "uniform": every_answer})


def test_by_domain_equals_the_metrics_of_that_domain_alone(predictions, measured):
    alone = classification_metrics(predictions[predictions["domain"] == "ZhenDong"], CLASSES, "normal")
    del alone["by_domain"], alone["by_motor"]
    assert measured["by_domain"]["ZhenDong"] == alone
    assert list(measured["by_domain"]) == ["ShengYing", "ZhenDong"]


def test_by_motor_counts_every_error_worst_first(predictions, measured):
    rows = measured["by_motor"]
    assert sum(row["n_errors"] for row in rows) == (predictions["label"] != predictions["predicted"]).sum()
    assert sum(sum(row["taken_for"].values()) for row in rows) == sum(row["n_errors"] for row in rows)
    assert [row["n_errors"] for row in rows] == sorted((row["n_errors"] for row in rows), reverse=True)


def test_metrics_do_not_depend_on_the_order_of_rows(predictions, measured):
    shuffled = predictions.sample(frac=1, random_state=0)
    again = classification_metrics(shuffled, CLASSES, "normal")
    assert again["macro_f1_interval"] == measured["macro_f1_interval"]
    assert again["by_motor"] == measured["by_motor"]


def test_metrics_are_strict_json(measured):
    assert json.loads(json.dumps(measured, allow_nan=False)) == measured


def test_interval_contains_the_value_and_is_no_narrower_with_copies_of_series(predictions, measured):
    copies = pd.concat([predictions] * 5)
    low, high = measured["macro_f1_interval"]
    assert low < measured["macro_f1"] < high
    assert classification_metrics(copies, CLASSES, "normal")["macro_f1_interval"] == pytest.approx([low, high])


def test_interval_of_accuracy_agrees_with_the_standard_error_over_motors(make_predictions):
    table = make_predictions(quality=0.8, domains=("one",), n_motors=40)
    low, high = classification_metrics(table, CLASSES, "normal")["accuracy_interval"]
    by_motor = (table["label"] == table["predicted"]).groupby([table["label"], table["motor"]]).mean()
    error = np.sqrt(sum(by_motor[name].var(ddof=1) / 40 for name in CLASSES)) / 3
    assert high - low == pytest.approx(2 * 1.96 * error, rel=0.1)


@pytest.mark.parametrize(
    "name", ["accuracy", "macro_f1", "roc_auc_faulty", "roc_auc_macro", "pr_auc_faulty", "brier", "false_alarm_rate"]
)
def test_every_metric_lies_in_its_interval(measured, name):
    low, high = measured[f"{name}_interval"]
    assert low < high
    assert low <= measured[name] <= high


@pytest.mark.parametrize("name", ["f1", "precision", "recall", "roc_auc", "detection_by_class"])
def test_every_metric_of_a_class_lies_in_its_interval(measured, name):
    assert set(measured[f"{name}_interval"]) == set(measured[name])
    for label, (low, high) in measured[f"{name}_interval"].items():
        assert low <= measured[name][label] <= high


def test_interval_of_recall_agrees_with_the_standard_error_over_motors(make_predictions):
    table = make_predictions(quality=0.8, domains=("one",), n_motors=40)
    low, high = classification_metrics(table, CLASSES, "normal")["recall_interval"]["spark"]
    of_class = table[table["label"] == "spark"]
    by_motor = (of_class["predicted"] == "spark").groupby(of_class["motor"]).mean()
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(by_motor.var(ddof=1) / 40), rel=0.1)


def test_interval_of_a_class_with_one_motor_is_none_with_the_reason(make_predictions):
    table = make_predictions()
    table = table[(table["label"] != "spark") | (table["motor"] == "spark-0")]
    measured = classification_metrics(table, CLASSES, "normal")
    assert measured["macro_f1_interval"] is None
    assert measured["undefined"]["macro_f1_interval"] == "class spark rests on one motor"
    assert measured["false_alarm_rate_interval"] is not None


def test_interval_of_perfect_answers_is_none_not_certainty(make_predictions):
    measured = classification_metrics(make_predictions(quality=50), CLASSES, "normal")
    assert (measured["macro_f1"], measured["macro_f1_interval"]) == (1.0, None)
    assert "no proof of certainty" in measured["undefined"]["macro_f1_interval"]


def test_class_without_series_is_undefined_with_the_reason(predictions):
    measured = classification_metrics(predictions[predictions["label"] != "vibrate"], CLASSES, "normal")
    assert measured["roc_auc"]["vibrate"] is measured["f1"]["vibrate"] is measured["roc_auc_macro"] is None
    assert measured["undefined"]["f1.vibrate"] == "no test series"
    assert measured["macro_f1"] == pytest.approx((measured["f1"]["normal"] + measured["f1"]["spark"]) / 2)


def test_class_never_predicted_has_f1_zero_and_no_precision(predictions):
    measured = classification_metrics(predictions.assign(predicted="normal"), CLASSES, "normal")
    assert (measured["f1"]["spark"], measured["precision"]["spark"]) == (0.0, None)
    assert measured["undefined"]["precision.spark"] == "never predicted"


@pytest.mark.parametrize(("kept", "missing"), [("normal", "faulty"), ("spark", "normal")])
def test_one_sided_tests_have_no_auc_and_still_are_json(predictions, kept, missing):
    measured = classification_metrics(predictions[predictions["label"] == kept], CLASSES, "normal")
    assert measured["roc_auc_faulty"] is measured["pr_auc_faulty"] is None
    assert measured["undefined"]["roc_auc_faulty"] == f"no {missing} test series"
    json.dumps(measured, allow_nan=False)


def test_every_none_has_a_reason(predictions):
    measured = classification_metrics(predictions[predictions["label"] == "spark"], CLASSES, "normal")
    named = [name for name, value in measured.items() if value is None]
    by_class = [
        f"{name}.{key}" for name in ("f1", "precision", "roc_auc") for key, v in measured[name].items() if v is None
    ]
    assert set(named + by_class) <= set(measured["undefined"])


def test_alarm_missing_leaves_its_rates_undefined(predictions):
    measured = classification_metrics(predictions.drop(columns="alarm"), CLASSES, "normal")
    assert measured["detection_rate"] is None
    assert measured["undefined"]["detection_rate"] == "no threshold was applied"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.drop(columns="probability_spark"), r"lack the columns \['probability_spark'\]"),
        (lambda table: table.assign(label="sparkk"), r"column 'label' holds \['sparkk'\]; the classes are"),
        (lambda table: table.assign(predicted="x"), r"column 'predicted' holds \['x'\]"),
        (
            lambda table: table.assign(probability_spark=float("nan")),
            "of item 'normal-0-ShengYing-0' are not all numbers",
        ),
        (lambda table: table.iloc[:0], "no test series came"),
    ],
)
def test_faulty_tables_are_errors_that_say_what_came(predictions, spoil, message):
    with pytest.raises(ValueError, match=message):
        classification_metrics(spoil(predictions), CLASSES, "normal")


def test_normal_class_that_does_not_exist_is_an_error(predictions):
    with pytest.raises(ValueError, match="normal class 'healthy' is not among"):
        classification_metrics(predictions, CLASSES, "healthy")
