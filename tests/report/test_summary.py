"""`summary.json`: the figures of the report for scripts."""

import importlib
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from motor.evaluation.decisions import decide
from motor.report import find, summary
from motor.report.summary import SCHEMA_VERSION

DOCS = Path(__file__).parents[2] / "docs" / "results.md"


@pytest.fixture(scope="module")
def record(simulated):
    return json.loads(json.dumps(summary(simulated), allow_nan=False))


def test_summary_has_the_keys_that_the_documentation_names(record):
    section = DOCS.read_text(encoding="utf-8").split("### summary.json")[1].split("###")[0]
    named = {
        name for row in re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert named | {"schema_version"} == set(record)
    assert f"`schema_version` is {SCHEMA_VERSION}" in section


def test_verdict_is_that_of_the_report(record, simulated):
    decision = decide(simulated.ranking, simulated.context)
    assert record["verdict"]["kind"] == decision.kind
    assert record["verdict"]["recipe"] == decision.recipe.name
    assert len(record["verdict"]["cells"]) == 2


def test_recipes_are_ranked_with_intervals(record, simulated):
    assert [one["score"] for one in record["recipes"]] == pytest.approx(simulated.ranking.scores_RK[0].tolist())
    assert record["recipes"][0]["interval"] == pytest.approx(list(simulated.ranking.interval))
    assert record["recipes"][0]["behind"] is None
    kept = [place for place, one in enumerate(record["recipes"]) if one["not_worse_than_best"]]
    assert tuple(kept) == simulated.best_set.places


def test_audit_cost_and_caveats_are_told(record, simulated):
    assert record["audit"]["findings"] == [
        {"name": "dc_offset", "what": "DC offset tells the class.", "accepted": False}
    ]
    assert record["cost"]["shared"]["n_stages"] == 9
    assert record["caveats"] == [type(one).__name__ for one in simulated.caveats]


def test_summary_of_real_cells_is_json(grid, context):
    text = json.dumps(summary(find(grid, context)), allow_nan=False)
    assert json.loads(text)["methods"] == []  # nothing was held out


def test_summary_without_cells_has_no_verdict(context):
    record = summary(find([], context))
    assert record["verdict"] is None
    assert record["recipes"] == []


def test_summary_without_an_audit_says_null(simulated):
    assert summary(replace(simulated, context=replace(simulated.context, audit=None)))["audit"] is None


def test_what_too_few_motors_leave_unknown_is_null(simulated, monkeypatch):
    unknown = {"expected": {"score": 0.9, "interval": (math.nan, math.nan)}, "optimism": math.nan}
    monkeypatch.setattr(importlib.import_module("motor.report.summary"), "_verdict", lambda findings: unknown)
    assert summary(simulated)["verdict"] == {"expected": {"score": 0.9, "interval": None}, "optimism": None}
