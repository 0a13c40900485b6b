"""Stage `classify`."""

import json

import joblib
import numpy as np
import pandas as pd
import pytest

from motor.stages.classify import pooled_skill
from motor.stages.described import sides

CELL = "A/Joint/64/lda"


@pytest.fixture(scope="module")
def folder(tiny_built):
    return tiny_built.folder(tiny_built.cell(CELL))


@pytest.fixture(scope="module")
def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def predictions(folder):
    return pd.read_csv(folder / "predictions.csv", dtype={"fold": str})


def test_classify_folder_holds_what_the_docstring_says(folder, files_of):
    figures = {"figures/confusion.png", "figures/roc_pr.png"}
    tables = {"metrics.json", "predictions.csv", "held_out.csv", "fold-0/clf_model.pkl"}
    assert files_of(folder) == {*tables, *figures, "tensorboard/"}


def test_classify_predictions_are_of_all_test_series_and_no_other(tiny_built, predictions, features_of):
    table = features_of(tiny_built, CELL)
    assert sorted(predictions["item"]) == sorted(table.loc[table["side"] == "test", "item"])
    assert set(predictions["fold"]) == {"0"}


def test_classify_metrics_agree_with_the_predictions(metrics, predictions):
    assert metrics["accuracy"] == pytest.approx((predictions["predicted"] == predictions["label"]).mean())
    assert metrics["axes"] == {"method": "A", "domain": "Joint", "context_length": 64, "classifier": "lda"}
    assert set(metrics["by_domain"]) == set(metrics["thresholds"]["0"]) == {"ShengYing", "ZhenDong"}


def test_classify_model_file_gives_the_predictions_again(folder, tiny_built, predictions, features_of):
    model = joblib.load(folder / "fold-0" / "clf_model.pkl")
    table = features_of(tiny_built, CELL).loc[predictions["item"]]
    probability = model["estimator"].predict_proba(table[model["columns"]].to_numpy())
    expected = predictions[[f"probability_{name}" for name in model["estimator"].classes_]]
    np.testing.assert_allclose(probability, expected, rtol=1e-9)


def test_classify_threshold_is_the_largest_score_of_too_few_validation_normals(
    folder, tiny_built, metrics, features_of
):
    model = joblib.load(folder / "fold-0" / "clf_model.pkl")
    _, validation, _ = sides(features_of(tiny_built, CELL))
    for domain, threshold in metrics["thresholds"]["0"].items():
        rows = validation[(validation["domain"] == domain) & (validation["label"] == "normal")]
        probability = model["estimator"].predict_proba(rows[model["columns"]].to_numpy())
        scores = 1 - probability[:, list(model["estimator"].classes_).index("normal")]
        assert threshold["value"] == pytest.approx(scores.max())
        assert (threshold["n_series"], threshold["n_motors"], threshold["resolved"]) == (len(rows), 1, False)


def test_classify_alarm_is_the_score_over_its_domains_threshold(metrics, predictions):
    values = predictions["domain"].map({d: t["value"] for d, t in metrics["thresholds"]["0"].items()})
    assert (predictions["alarm"] == (1 - predictions["probability_normal"] > values)).all()


def test_classify_folds_pool_their_test_motors_and_keep_a_model_each(make_tiny, tmp_path):
    split = "split={kind: folds, k: 3, validation: none}"
    tiny = make_tiny(tmp_path, split, "axes={method: [untrained], domain: [ShengYing], context_length: [64], "
                     "classifier: [lda]}").build("untrained/ShengYing/64/lda")  # fmt: skip
    folder = tiny.folder(tiny.cell("untrained/ShengYing/64/lda"))
    predictions = pd.read_csv(folder / "predictions.csv", dtype={"fold": str})
    assert predictions["motor"].nunique() == 12
    assert predictions.groupby("motor")["fold"].nunique().eq(1).all()
    assert all((folder / f"fold-{fold}" / "clf_model.pkl").is_file() for fold in "012")
    thresholds = json.loads((folder / "metrics.json").read_text())["thresholds"]
    tested = predictions[predictions["label"] == "normal"].groupby("fold")["motor"].nunique()
    for fold, of_domain in thresholds.items():  # chosen on the training motors, each by a model that did not see it
        assert of_domain["ShengYing"]["n_motors"] == 4 - tested[fold]


def test_pooled_skill_two_folds_averages_over_windows():
    row = {"domain": "d", "label": "normal", "segment": "whole", "n_series": 1, "mean_forecast_error": 2.0}
    first = {"forecast_skill": [{**row, "n_windows": 1, "error": 1.0}]}
    second = {"forecast_skill": [{**row, "n_windows": 3, "error": 3.0}]}
    (pooled,) = pooled_skill([first, second])
    assert (pooled["n_series"], pooled["n_windows"]) == (2, 4)
    assert pooled["error"] == pytest.approx(2.5)
    assert pooled["relative_error"] == pytest.approx(2.5 / 2.0)
