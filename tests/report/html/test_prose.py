"""The report's sentences: both languages say the same figures, and those of `result.md`."""

import re
from dataclasses import fields, replace

import pytest

from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.cells import cell_key
from motor.evaluation.decisions import decide
from motor.evaluation.nested import ALL
from motor.report import FailedCell
from motor.report.findings import find
from motor.report.html.prose import Prose, prose
from motor.report.html.words import WordsError, languages, words
from motor.report.verdict import verdict

METHODS = ("order", "C", "untrained")
FINDING = {"name": "dc_offset", "what": "Told in English.", "evidence": {"macro_f1": 0.62, "chance": 0.32}}
PROBE = {"cue": "length", "domain": "all", "macro_f1": 0.5, "interval": None, "chance": 0.33, "beats_chance": True}
SHARED = {"n_cells": 6, "n_stages": 9, "n_stages_without_sharing": 30, "cpu_hours": 1.0, "gpu_hours": 0.5}
SPENT = {
    "by_kind": [{"kind": "finetune", "n_stages": 9, "cpu_hours": 1.0, "gpu_hours": 0.5, "energy_wh": 40.0}],
    "shared": SHARED | {"cpu_hours_without_sharing": 4.0, "gpu_hours_without_sharing": 2.0},
}


@pytest.fixture(scope="module")
def families(truth):
    return replace(
        truth,
        families={"order": "plain", "C": "forecaster", "untrained": "forecaster"},
        controls={"C": "untrained"},
        goal=0.95,
        audit={"findings": [FINDING], "checks": [{"name": "dc_offset", "passed": False}], "probe": [PROBE]},
        failed=(FailedCell({"method": "B"}, "out of memory"),),
        spent=SPENT,
        versions={"python": "3.11"},
        digests={"data": "4be1", "cells": "77aa"},
    )


@pytest.fixture(scope="module")
def findings_of(simulate, families):
    """Give a function that compares recipes of known skill."""

    def make(skills, context=families, n_motors=8, domains=("rig 1", "rig 2"), held_out=True, seconds=(1, 900, 300)):
        known = {"domains": domains, "seconds": seconds, "methods": METHODS, "keeps_held_out": held_out}
        simulated = simulate(skills, 1, n_motors, **known)
        judged = [classification_metrics(cell.predictions, context.classes, "normal") for cell in simulated]
        return find([replace(cell, metrics=found) for cell, found in zip(simulated, judged, strict=True)], context)

    return make


@pytest.fixture(scope="module")
def findings(findings_of):
    return findings_of((2.0, 2.1, 0.0))


def sentences(said):
    """Every text of a prose, in order."""
    texts = []
    for field in fields(Prose):
        value = getattr(said, field.name)
        for part in [value] if isinstance(value, str) else value:
            texts += [part["question"], part["answer"], *part["reasons"]] if isinstance(part, dict) else [part]
    return texts


def figures(text):
    return sorted(re.findall(r"(?<![\w.])[+-]?\d+\.\d+", text))


@pytest.mark.parametrize("language", [name for name in languages() if name != "en"])
def test_prose_in_every_language_has_the_same_figures(findings, language):
    english, other = sentences(prose(findings, "en")), sentences(prose(findings, language))
    assert len(english) == len(other) > 40
    assert [figures(text) for text in english] == [figures(text) for text in other]


@pytest.mark.parametrize("language", languages())
def test_prose_has_no_markup_and_no_open_placeholder(findings, language):
    assert [text for text in sentences(prose(findings, language)) if re.search(r"\*\*|[{}\\]|<\w|None|nan", text)] == []


def test_verdict_has_the_figures_of_the_markdown_one(findings):
    told = verdict(findings.cells, findings.scores, findings.ranking, findings.context, findings.nested)
    said = " ".join(prose(findings, "en").verdict)
    assert set(figures(told)) - {"1.00"} <= set(figures(said))


def test_first_sentence_says_which_recipe_its_interval_and_the_motors(findings):
    (first, *_) = prose(findings, "en").verdict
    score = f"{findings.ranking.score(decide(findings.ranking, findings.context).recipe):.2f}"
    assert first.startswith("Do not fine-tune: nothing here is shown to beat the plain features")
    assert f"Use method order, each domain alone: macro-F1 {score} [" in first
    assert "48 motors" in first


def test_first_sentence_in_chinese_uses_the_field_s_terms(findings):
    (first, *_) = prose(findings, "zh").verdict
    assert first.startswith("不要微调")
    assert [term for term in ("宏平均 F1", "置信区间", "分域训练", "电机") if term not in first] == []


def test_plain_recipe_that_beats_all_forecasters_is_called_better(findings_of):
    assert (
        prose(findings_of((4.0, 1.0, 0.0), held_out=False), "en")
        .verdict[0]
        .startswith("Do not fine-tune: the plain features are")
    )


def test_forecaster_that_beats_all_is_advised(findings_of):
    assert (
        prose(findings_of((0.0, 4.0, 1.0), held_out=False), "en")
        .verdict[0]
        .startswith("Use method C, each domain alone: macro-F1")
    )


def test_recipes_that_cannot_be_told_apart_say_so_and_how_many_motors_would_do(findings_of, truth):
    found = findings_of((1.6, 1.5, 1.4), truth, n_motors=4, seconds=None, held_out=False)
    said = prose(found, "en").verdict
    assert said[0].startswith("These motors cannot tell the 3 recipes apart")
    assert any(re.search(r"To tell it from method .*: about \d+ motors would show", text) for text in said)


def test_expectation_is_that_of_nested_selection(findings):
    inside = findings.nested.overall_of(ALL).chosen_inside.value
    assert any(text.startswith(f"Expect about {inside:.2f} [") for text in prose(findings, "en").verdict)


def test_expectation_without_held_out_series_is_corrected_by_resampling(findings_of):
    said = prose(findings_of((1.5, 1.5, 1.5), held_out=False), "en")
    assert any("which flatters it by some 0.0" in text for text in said.verdict)
    assert said.nested == ["No cell kept predictions of held-out motors, so no choice can be made inside the "
                           "training folds."]  # fmt: skip


def test_errors_say_how_many_series_on_which_motors_and_what_is_taken_for_what(findings):
    (short,) = prose(findings, "en").errors
    advised = decide(findings.ranking, findings.context).recipe
    tables = [findings.cells[index].predictions for index, _ in advised.slices]
    n_wrong = sum(int((table["label"] != table["predicted"]).sum()) for table in tables)
    assert f"names {n_wrong} of {sum(map(len, tables))} test series wrong, on " in short
    assert re.search(r"worst first: rig \d motor \d+; .* Most often: (\w+ taken for \w+ \(\d+\)(; )?)+", short)


def test_errors_where_the_advised_is_not_the_best_name_its_motors_and_both_recipes(findings_of, truth):
    found = findings_of((2.25, 2.3, 0.0), truth, seconds=(300.0, 900.0, 1.0), held_out=False)
    first, worst, *_, last = prose(found, "en").errors
    assert "method order" in first
    assert re.match(r"rig \d motor \d+, in rig \d, really (normal|inner|outer): \d of 4 wrong", worst)
    assert last.startswith("What it gets wrong: method C")


def test_refused_finding_of_the_audit_is_the_first_warning(findings):
    said = prose(findings, "en")
    assert said.warnings[0].startswith("The leak audit failed: 1 of 1 findings are not accepted by the config")
    assert any("macro-F1 of 0.62; guessing gives 0.32. Next step: Remove" in text for text in said.audit)


def test_accepted_finding_of_the_audit_is_said_to_be(findings, families):
    accepted = replace(findings, context=replace(families, accepted=("dc_offset",)))
    assert "accepts it by name: dc_offset" in prose(accepted, "en").warnings[0]


def test_finding_that_no_catalogue_knows_is_told_as_it_came(findings, families):
    strange = {"findings": [{"name": "odour", "what": "It smells.", "next_step": "Air it."}], "checks": [], "probe": []}
    said = prose(replace(findings, context=replace(families, audit=strange)), "zh").audit
    assert any("odour: It smells." in text and "Air it." in text for text in said)


def test_grid_without_an_audit_warns_of_it(findings, families):
    said = prose(replace(findings, context=replace(families, audit=None)), "en")
    assert said.warnings[0] == said.audit[0] or said.audit[0] in said.warnings


def test_grid_without_a_ranking_says_so(findings):
    said = prose(replace(findings, ranking=None), "en")
    assert said.verdict == [words("en", "prose").say("verdict.none")]
    assert said.errors == []


def test_spent_says_what_sharing_saved_and_the_energy(findings, families):
    told = " ".join(prose(findings, "en").spent)
    assert "9 stages were computed: 1 CPU hours and 0.5 GPU hours" in told
    assert "sharing saved 75.0 % of the time" in told
    assert "40 Wh" in told
    assert prose(replace(findings, context=replace(families, spent={})), "en").spent == []


def test_repeat_begins_with_the_command_alone(findings):
    command, how = prose(findings, "en").repeat
    assert command == findings.context.command
    assert "these versions" in how


def test_ranks_name_the_motors_and_the_critical_difference(findings):
    told, listed = prose(findings, "en").ranks
    assert "48 motors" in told
    assert f"{findings.critical.critical_difference:.2f}" in told
    assert all(name in listed for name in findings.critical.mean_ranks)


def test_leaky_says_what_the_leak_adds(findings, families):
    (row, *_) = findings.rows
    leaking = replace(families, leaky={cell_key(row.first.axes): row.value + 0.25})
    assert prose(replace(findings, context=leaking), "en").leaky[1].endswith("; the leak adds +0.25.")
    assert prose(findings, "en").leaky == []


def test_seeds_say_how_far_recipes_move(findings):
    twice = [replace(row, cells=row.cells * 2) for row in findings.rows]
    assert prose(replace(findings, rows=twice), "en").seeds[0].startswith("6 recipes were repeated")
    assert prose(findings, "en").seeds == []


def test_prose_in_an_unknown_language_names_the_missing_file(findings):
    with pytest.raises(WordsError, match=r"prose\.eo\.yaml is missing"):
        prose(findings, "eo")
