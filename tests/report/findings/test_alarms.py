"""Figures of 0.98 or more: explained, or an alarm."""

from dataclasses import replace

import pytest

from motor.evaluation.repeats import repeats
from motor.evaluation.scores import score_cells
from motor.report.findings.alarms import Doubt, is_too_good, too_good
from motor.report.wording import score

CLEAN = {"findings": [], "probe": [], "checks": [], "seconds": 1.0}
FAMILIES = {"C": "forecaster", "order": "plain"}


def weak_cue(macro_f1=0.35, beats_chance=False, domain="ZhenDong"):
    fields = {"cue": "dc_offset", "domain": domain, "macro_f1": macro_f1, "interval": None, "chance": 0.33}
    return fields | {"p_value": 0.5, "beats_chance": beats_chance, "n_motors": 24}


@pytest.fixture(scope="module")
def cells(make_cell):
    return [make_cell(50, method=name, domain="ZhenDong") for name in ("C", "order")]


def judged(cells, context, probe=None, **changed):
    audit = {**CLEAN, "probe": [weak_cue()] if probe is None else probe}
    context = replace(context, **{"families": FAMILIES, "audit": audit, **changed})
    return too_good(repeats(cells), score_cells(cells, context.classes), context)


def test_perfect_figure_is_explained_by_plain_features_a_clean_audit_and_weak_cues(cells, context):
    found = judged(cells, context)
    assert {case.metric for case in found} == {"macro_f1", "accuracy", "roc_auc_faulty"}
    assert all(case.unexplained == () for case in found)


def test_perfect_figure_without_an_audit_is_an_alarm(cells, context):
    assert all(Doubt("no audit") in case.unexplained for case in judged(cells, context, audit=None))


def test_perfect_figure_with_an_accepted_finding_is_an_alarm(cells, context):
    audit = {**CLEAN, "findings": [{"name": "dc_offset"}], "probe": [weak_cue()]}
    found = judged(cells, context, audit=audit, accepted=("dc_offset",))
    assert found[0].unexplained == (Doubt("found", ("dc_offset",)),)


def test_perfect_figure_near_a_trivial_cue_is_an_alarm(cells, context):
    found = judged(cells, context, probe=[weak_cue(0.79, beats_chance=True)])
    assert found[0].unexplained == (Doubt("cue", ("dc_offset",), 0.79),)


def test_perfect_figure_that_plain_features_do_not_reach_is_an_alarm(cells, make_cell, context):
    weak = make_cell(1.0, method="order", domain="ZhenDong")
    (doubt, *_) = judged([cells[0], weak], context)[0].unexplained
    assert doubt.kind == "plain below"
    assert 0 < doubt.value < 0.98


def test_perfect_figure_without_plain_features_is_an_alarm(cells, context):
    assert judged(cells[:1], context)[0].unexplained == (Doubt("no plain"),)


def test_cue_of_another_domain_raises_no_alarm(cells, context):
    assert judged(cells, context, probe=[weak_cue(0.9, beats_chance=True, domain="ShengYing")])[0].unexplained == ()


def test_level_that_a_fault_may_explain_raises_no_alarm(cells, context):
    level = {**weak_cue(0.9, beats_chance=True), "cue": "level"}
    assert judged(cells, context, probe=[level])[0].unexplained == ()


def test_modest_figures_raise_nothing(make_cell, context):
    cells = [make_cell(1.0, domain="ZhenDong")]
    assert judged(cells, context) == []


def test_too_good_figures_name_the_best_plain_recipe_and_the_cue(cells, context):
    case = judged(cells, context)[0]
    assert (case.domain, case.trained_on, case.value, case.n_rows) == ("ZhenDong", "ZhenDong", 1.0, 2)
    assert (case.plain[0].axes["method"], case.plain[1]) == ("order", 1.0)
    assert (case.cue["cue"], case.cue["macro_f1"]) == ("dc_offset", 0.35)


@pytest.mark.parametrize(("value", "expected"), [(None, False), (0.974, False), (0.976, True), (1.0, True)])
def test_a_figure_is_too_good_as_it_is_printed(value, expected):
    assert is_too_good(value) is expected
    assert score(value).text.endswith("†") is expected
