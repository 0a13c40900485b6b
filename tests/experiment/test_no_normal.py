"""`normal: null` (no class is healthy: no alarm, no detector), and `trains_on: normal` (no fault trains)."""

import json
from typing import Any

import pandas as pd
import pytest

from grid.config.check import ConfigError
from motor.stages.prepare import Prepared

AXES = "axes={method: [%s], domain: [ShengYing], context_length: [64], classifier: [lda, mahalanobis]}"
CELL = "untrained/ShengYing/64/lda"
NONE = "normal=null"


@pytest.fixture(scope="module")
def built(make_tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_tiny(tmp_path_factory.mktemp("none"), NONE, AXES % "untrained").build(CELL)


def test_without_a_healthy_class_detectors_are_left_out(built: Any) -> None:
    assert [cell.name() for cell in built.plan.cells] == [CELL]


def test_without_a_healthy_class_a_cell_has_no_alarm_and_no_threshold(built: Any) -> None:
    folder = built.folder(built.cell(CELL))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["thresholds"] == {"0": {}}
    assert not {"roc_auc_faulty", "false_alarm_rate", "detection_rate", "forecast_error"} & set(metrics)
    assert {"macro_f1", "roc_auc_macro"} <= set(metrics)
    assert "alarm" not in pd.read_csv(folder / "predictions.csv")


def test_without_a_healthy_class_scalers_see_all_training_series(built: Any, make_tiny: Any, tmp_path: Any) -> None:
    plain = make_tiny(tmp_path, AXES % "untrained").build(CELL)

    def scalers(tiny: Any) -> dict[str, Any]:
        (prepared,) = tiny.stages("prepare")
        found: dict[str, Any] = Prepared.open(tiny.folder(prepared), prepared).scalers.to_json()["by_fold"]
        return found

    assert scalers(built) != scalers(plain)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([AXES % "A"], "method A is fine-tuned on healthy series"),
        ([AXES % "C_two_stage"], "method B, which C_two_stage begins with, is fine-tuned on healthy series"),
        ([AXES % "C", "scaling={by: reference, earliest: 1}"], "takes healthy recordings"),
        ([AXES % "C", "evaluation={rank_by: roc_auc_faulty}"], "roc_auc_faulty compares with healthy series"),
    ],
)
def test_what_needs_healthy_series_is_a_fault_of_the_config(
    make_tiny: Any, tmp_path: Any, overrides: list[str], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        make_tiny(tmp_path, NONE, *overrides)


def test_a_healthy_class_without_a_name_is_a_fault(make_tiny: Any, tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="null where none is healthy"):
        make_tiny(tmp_path, "normal=''", AXES % "C")


DETECTORS = "axes={method: [%s], domain: [ShengYing], context_length: [64], classifier: [%s]}"
RANK = "evaluation={rank_by: roc_auc_faulty}"


def test_healthy_series_alone_train_and_faults_are_tested_all_the_same(make_tiny: Any, tmp_path: Any) -> None:
    tiny = make_tiny(tmp_path, "split.trains_on=normal", RANK, DETECTORS % ("A", "mahalanobis"))
    (prepared,) = tiny.build_stages("prepare").stages("prepare")
    meta = Prepared.open(tiny.folder(prepared), prepared).meta("0", ("ShengYing",))
    labels = {str(side): set(of["label"]) for side, of in meta.groupby("side")}
    assert labels["train"] == labels["validation"] == {"normal"}
    assert labels["test"] == {"normal", "spark", "vibrate"}
    assert labels["aside"] == {"spark", "vibrate"}


@pytest.mark.parametrize(("method", "judge"), [("A", "lda"), ("class_forecasters", "mahalanobis")])
def test_what_learns_from_faults_is_a_fault_where_healthy_series_alone_train(
    make_tiny: Any, tmp_path: Any, method: str, judge: str
) -> None:
    with pytest.raises(ConfigError, match=r"split.trains_on is normal"):
        make_tiny(tmp_path, "split.trains_on=normal", RANK, DETECTORS % (method, judge))
