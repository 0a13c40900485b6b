"""Figures of 0.98 or more: explained, or an alarm."""

from dataclasses import replace

import pytest

from motor.evaluation.repeats import repeats
from motor.evaluation.scores import score_cells
from motor.report.alarms import alarm_table, alarm_text, is_too_good, marked, too_good

CLEAN = {"findings": [], "probe": [], "checks": [], "seconds": 1.0}
FAMILIES = {"C": "forecaster", "order": "plain"}


def weak_cue(macro_f1=0.35, beats_chance=False, domain="ZhenDong"):
    told = {"cue": "dc_offset", "domain": domain, "macro_f1": macro_f1, "interval": None, "chance": 0.33}
    return told | {"p_value": 0.5, "beats_chance": beats_chance, "n_motors": 24}


@pytest.fixture(scope="module")
def cells(make_cell):
    return [make_cell(50, method=name, domain="ZhenDong") for name in ("C", "order")]


def judged(cells, context, probe=None, **changed):
    audit = {**CLEAN, "probe": [weak_cue()] if probe is None else probe}
    context = replace(context, **{"families": FAMILIES, "audit": audit, **changed})
    return too_good(repeats(cells), score_cells(cells, context.classes), context)


def test_perfect_figure_is_explained_by_plain_features_a_clean_audit_and_weak_cues(cells, context):
    found = judged(cells, context)
    assert {case.metric for case in found} == {"macro-F1", "accuracy", "AUC faulty"}
    assert all(case.doubts == () for case in found)
    assert alarm_text(found).startswith("**Figures of 0.98 or more are explained**")


def test_perfect_figure_without_an_audit_is_an_alarm(cells, context):
    assert all("no leak audit ran" in case.doubts for case in judged(cells, context, audit=None))


def test_perfect_figure_with_an_accepted_finding_is_an_alarm(cells, context):
    audit = {**CLEAN, "findings": [{"name": "dc_offset"}], "probe": [weak_cue()]}
    found = judged(cells, context, audit=audit, accepted=("dc_offset",))
    assert found[0].doubts == ("the leak audit found dc_offset",)


def test_perfect_figure_near_a_trivial_cue_is_an_alarm(cells, context):
    assert judged(cells, context, probe=[weak_cue(0.79, beats_chance=True)])[0].doubts == (
        "dc_offset alone gives 0.79",
    )


def test_perfect_figure_that_plain_features_do_not_reach_is_an_alarm(cells, make_cell, context):
    weak = make_cell(1.0, method="order", domain="ZhenDong")
    assert "plain features reach 0." in judged([cells[0], weak], context)[0].doubts[0]


def test_perfect_figure_without_plain_features_is_an_alarm(cells, context):
    assert judged(cells[:1], context)[0].doubts == ("no plain features were tried under this split",)


def test_cue_of_another_domain_raises_no_alarm(cells, context):
    assert judged(cells, context, probe=[weak_cue(0.9, beats_chance=True, domain="ShengYing")])[0].doubts == ()


def test_level_that_a_fault_may_explain_raises_no_alarm(cells, context):
    level = {**weak_cue(0.9, beats_chance=True), "cue": "level"}
    assert judged(cells, context, probe=[level])[0].doubts == ()


def test_modest_figures_raise_nothing(make_cell, context):
    cells = [make_cell(1.0, domain="ZhenDong")]
    assert judged(cells, context) == []
    assert alarm_text([]) == alarm_table([], cells, context) == ""


def test_alarm_table_names_the_best_plain_recipe_and_the_cue(cells, context):
    text = alarm_table(judged(cells, context), cells, context)
    assert (
        "| ZhenDong | itself | macro-F1 | 1.00 † method C | 2 | 1.00 method order | dc_offset 0.35 (chance 0.33) |"
        in text
    )


@pytest.mark.parametrize(("value", "expected"), [(None, False), (0.974, False), (0.976, True), (1.0, True)])
def test_a_figure_is_too_good_as_it_is_printed(value, expected):
    assert is_too_good(value) is expected
    assert marked("x", value).endswith("†") is expected
