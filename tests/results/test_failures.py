"""`failed.json`, and which cells are tried again."""

import json

import pytest

from grid.plan.plan import make_plan
from grid.run.failures import Failure, tell_cause
from motor.results.failures import FAILED, failed_keys, hang_on, write_failures


@pytest.fixture
def tiny(make_tiny, tmp_path):
    return make_tiny(tmp_path)


def finetune(tiny, labels):
    return next(stage for stage in tiny.stages("finetune") if stage.label() == labels)


def fail(tiny, labels, cause="ValueError: it went wrong", kind="work"):
    stage = finetune(tiny, labels)
    tell_cause(tiny.store, stage, kind, cause)
    return stage


def written(tiny, tmp_path, failures=None):
    write_failures(tmp_path, tiny.plan.cells, tiny.store, failures or {}, "python launch.py tiny.yaml")
    return json.loads((tmp_path / FAILED).read_text()) if (tmp_path / FAILED).exists() else None


def test_write_failures_tells_each_failed_stage_once_with_all_its_cells(tiny, tmp_path):
    stage = fail(tiny, "normal-Joint-ctx64-fold0")
    (failure,) = written(tiny, tmp_path)
    assert failure["cells"] == ["A/Joint/64/lda", "B/Joint/64/lda", "C_two_stage/Joint/64/lda"]
    assert (failure["key"], failure["failure"], failure["cause"]) == (stage.key, "work", "ValueError: it went wrong")
    assert failure["log"] == str(tiny.store.log(stage))
    assert failure["told"] == str(tiny.store.failure(stage))
    assert failure["command"] == "python launch.py tiny.yaml"


def test_write_failures_settings_are_the_stages_own_with_the_keys_of_its_inputs(tiny, tmp_path):
    stage = fail(tiny, "normal-Joint-ctx64-fold0")
    (failure,) = written(tiny, tmp_path)
    assert failure["settings"]["prepared"] == f"prepare {stage.prepared.key}"
    assert failure["settings"]["training"] == stage.record["training"]
    assert failure["settings"].keys() | {"kind"} == stage.record.keys()


def test_write_failures_where_none_is_left_removes_the_file(tiny, tmp_path):
    stage = fail(tiny, "normal-Joint-ctx64-fold0")
    assert written(tiny, tmp_path) is not None
    tiny.store.failure(stage).unlink()
    assert written(tiny, tmp_path) is None


def test_write_failures_keeps_those_of_earlier_launches_that_nobody_has_tried_since(tiny, tmp_path):
    fail(tiny, "normal-Joint-ctx64-fold0")
    other = finetune(tiny, "all-Joint-ctx64-fold0")
    written(tiny, tmp_path)
    both = written(tiny, tmp_path, {other.key: Failure(other, "it asks for 9 GPUs", "launch.log", "input")})
    assert {each["label"]: each["failure"] for each in both} == {
        "normal-Joint-ctx64-fold0": "work",
        "all-Joint-ctx64-fold0": "input",
    }


def test_failed_keys_are_of_missing_stages_that_have_said_why(tiny, tmp_path):
    stage = fail(tiny, "normal-Joint-ctx64-fold0")
    assert failed_keys(tmp_path, tiny.plan, tiny.store) == {stage.key}


def test_failed_keys_are_also_those_that_failed_json_lists(tiny, tmp_path):
    stage = fail(tiny, "normal-Joint-ctx64-fold0")
    written(tiny, tmp_path)
    tiny.store.failure(stage).unlink()  # a launch that tried it again, and was killed
    assert failed_keys(tmp_path, tiny.plan, tiny.store) == {stage.key}


@pytest.mark.parametrize("text", ["", "[1]", '{"a": 1}', "[{}]"])
def test_failed_keys_of_a_file_that_cannot_be_read_are_none(tiny, tmp_path, text):
    (tmp_path / FAILED).write_text(text)
    assert failed_keys(tmp_path, tiny.plan, tiny.store) == set()


def test_hang_on_cells_are_those_that_need_the_stage(tiny):
    stage = finetune(tiny, "all-Joint-ctx64-fold0")
    assert [cell.name() for cell in hang_on(tiny.plan.cells, {stage.key})] == ["C/Joint/64/lda"]
    assert hang_on(tiny.plan.cells, set()) == []


def test_plan_of_what_hangs_on_a_failure_has_what_else_these_cells_lack(tiny):
    stage = finetune(tiny, "all-Joint-ctx64-fold0")
    plan = make_plan(hang_on(tiny.plan.cells, {stage.key}), tiny.store)
    kinds = [made.KIND for made in plan.missing.values()]
    assert sorted(kinds) == ["audit", "classify", "cleared", "features", "finetune", "prepare", "recordings"]
