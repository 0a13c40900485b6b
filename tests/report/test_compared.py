"""Many reports on one page: what is joined, what is kept apart and why; and no figure is another one than before."""

import dataclasses
import json

import pytest

from motor.evaluation.against import kept
from motor.evaluation.cell_metrics import classification_metrics
from motor.evaluation.cells import cell_key
from motor.evaluation.metrics.macro_f1 import MacroF1
from motor.report import find, summary
from motor.report.compared import Report, compared_page, join, pretraining, read_added, rows_of
from motor.report.compared.joined import has_seen, weights_seen, words_of
from motor.report.html import write_html

METRICS = {"macro_f1": MacroF1()}
METHODS = ["C", "B", "orders", "physics"]
PROTOCOL = {"files": "f0", "data": "d0", "sides": "s0", "dataset": "plant 0"}


@pytest.fixture(scope="module")
def made(truth, simulate):
    """Give a function that makes a report of known skills, with changes of its protocol."""
    known = {}

    def make(name, seed=0, skills=(3.0, -1.5, 1.0, 1.0), where="here", is_kept=True, **protocol):
        if (seed, skills) not in known:
            cells = [
                dataclasses.replace(cell, metrics=_metrics(cell), axes={**cell.axes, "classifier": "lda"})
                for cell in simulate(list(skills), seed, methods=METHODS, domains=("rig 1",))
            ]
            backbones = {cell_key(cell.axes): {"kind": "bolt", "weights": "mine/bolt"} for cell in cells[:2]}
            families = {"orders": "plain", "physics": "plain", "C": "forecaster", "B": "forecaster"}
            context = dataclasses.replace(truth, families=families, protocol=PROTOCOL, backbones=backbones)
            findings = find(cells, context)
            known[seed, skills] = summary(findings), kept(findings.ranking, findings.scores), findings
        record, arrays, findings = known[seed, skills]
        record = {**record, "name": name, "protocol": {**record["protocol"], **protocol}}
        report = Report(where, record, arrays if is_kept else None)
        return report if where != "findings" else (report, findings)

    return make


def _metrics(cell):
    return classification_metrics(cell.predictions.assign(alarm=False), ("normal", "inner", "outer"), "normal")


def _sets(n, made):
    return [made(f"grid {k}", k % 2, files=f"f{k}", data=f"d{k}", dataset=f"plant {k}") for k in range(n)]


def test_rows_have_the_figures_of_their_reports_to_the_last_digit(made):
    reports = [made("a"), made("b", 1, files="f1", data="d1", dataset="plant 1")]
    rows = rows_of(join(reports, {}, METRICS), [])
    for report in reports:
        for recipe in report.summary["recipes"]:
            row = next(row for row in rows if row["grid"] == report.name and row["name"] == recipe["name"])
            assert {key: row[key] for key in ("score", "interval", "behind", "seconds")} == {
                key: recipe[key] for key in ("score", "interval", "behind", "seconds")
            }


def test_reports_of_one_protocol_are_one_table(made):
    joined = join([made("a", where="old"), made("a", where="new")], {}, METRICS)
    assert len(joined.tables) == 1
    assert {row.report.where for row in joined.tables[0].rows} == {"old", "new"}


@pytest.mark.parametrize(("name", "value"), [("sides", "s1"), ("data", "d1"), ("labels", "l1"), ("scoring", 2)])
def test_reports_of_another_protocol_are_tables_apart_that_say_why(made, name, value):
    joined = join([made("a"), made("b", **{name: value})], {}, METRICS)
    assert [table.apart for table in joined.tables] == [
        (),
        ((0, name, str(PROTOCOL.get(name, _scoring(name))), str(value)),),
    ]
    assert len(joined.counted) == 1  # one data set counts once


def _scoring(name):
    return 1 if name == "scoring" else None


def test_report_of_an_older_version_is_a_table_apart(made):
    old = made("a")
    record = {name: value for name, value in old.summary.items() if name != "protocol"}
    joined = join([made("a"), Report("old", record)], {}, METRICS)
    assert len(joined.tables) == 2


def test_same_name_of_other_data_is_told(made):
    joined = join([made("a"), made("b", files="f1", data="d1")], {}, METRICS)
    assert joined.tables[1].apart == ((0, "files", "f0", "f1"),)


def test_best_and_worst_are_won_and_lost_against_the_reference(made):
    joined = join(_sets(2, made), {}, METRICS, "orders")
    outcomes = {one.identity[0]: one for one in joined.against}
    assert (outcomes["C"].wins, outcomes["C"].losses) == (2, 0)
    assert (outcomes["B"].losses, outcomes["B"].wins) == (2, 0)
    assert outcomes["physics"].ties == 2
    assert outcomes["C"].mean > 0 > outcomes["B"].mean


def test_leads_over_the_best_are_those_of_the_ranking(made):
    report, findings = made("a", where="findings")
    differences = report.differences(0, METRICS["macro_f1"])
    assert [-differences[place + 1].value for place in range(3)] == pytest.approx(
        [lead.value for lead in findings.ranking.behind]
    )


def test_report_that_keeps_no_arrays_tells_of_its_best_alone(made):
    reports = [made("a", is_kept=False)]
    best = words_of(join(reports, {}, METRICS).tables[0].rows[0].identity)
    assert all(not one.untold for one in join(reports, {}, METRICS, best).against)
    assert any(one.untold for one in join(reports, {}, METRICS, "physics").against)


def test_ranks_over_data_sets_know_the_best(made):
    joined = join(_sets(6, made), {}, METRICS)
    assert joined.ranked[0][0][0] == "C"
    assert joined.ranked[-1][0][0] == "B"
    assert joined.ranks is not None
    assert joined.ranks.found
    assert joined.ranks.n_motors == 6


def test_few_data_sets_are_ranked_without_a_test(made):
    joined = join(_sets(3, made), {}, METRICS)
    assert joined.ranks is None
    assert len(joined.ranked) == 4


def test_reference_that_nobody_has_names_some(made):
    with pytest.raises(ValueError, match="--reference 'lstm' is no recipe here; there are, say: "):
        join([made("a")], {}, METRICS, "lstm")


@pytest.mark.parametrize(
    ("backbone", "expected"),
    [
        (None, "nothing"),
        ({"kind": "bolt", "weights": None}, "nothing"),
        ({"kind": "bolt", "weights": "mine/bolt"}, "unknown"),
        ({"kind": "bolt", "weights": "known/one"}, "seen"),
        ({"kind": "bolt", "weights": "known/two"}, "not seen"),
        ({"kind": "given", "is_given": True, "pretrained_on": None}, "unknown"),
        ({"kind": "given", "is_given": True, "pretrained_on": ["HIT-SM"]}, "seen"),
    ],
)
def test_what_a_backbone_may_have_seen(backbone, expected):
    known = {"known/one": ["HIT SM (2020)", "M4"], "known/two": ["M4"]}
    assert has_seen(weights_seen(backbone, known), ["hit-sm"]) == expected


@pytest.mark.parametrize("weights", ["amazon/chronos-bolt-small", "chronos-t5-large", "amazon/chronos-2"])
def test_pretraining_of_the_shipped_families_is_known(weights):
    known = {name: one.data_sets for name, one in pretraining().items()}
    assert weights_seen({"weights": weights}, known)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_page_has_words_for_everything(made, tmp_path, language):
    (tmp_path / "row.json").write_text(json.dumps({**ADDED, "recipe": "<b>x</b>"}), encoding="utf-8")
    reports = [*_sets(6, made), made("z", sides="s9"), made("old", is_kept=False, files="", data="")]
    joined, added = join(reports, {}, METRICS), read_added(tmp_path / "row.json")
    write_html(tmp_path / "index.html", compared_page(joined, added, pretraining(), language, "launch.py compare x"))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'id="cells"' in page
    assert "critical-difference" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


ADDED = {"dataset": "plant 0", "recipe": "x", "metric": "macro_f1", "score": 0.9, "protocol": "by motor", "source": "y"}


def test_added_row_is_never_ranked(made, tmp_path):
    (tmp_path / "row.json").write_text(json.dumps([ADDED]), encoding="utf-8")
    joined, added = join([made("a")], {}, METRICS), read_added(tmp_path / "row.json")
    assert rows_of(joined, added)[-1] | ADDED == rows_of(joined, added)[-1]
    assert all(row.recipe["score"] != 0.9 for table in joined.tables for row in table.rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": "0.9"}, r"row 1, score: .*got '0\.9'"),
        ({"url": "javascript:alert(1)"}, "row 1, url"),
        ({"interval": [0.1, 0.2]}, "lies outside of its interval"),
        ({"colour": "red"}, "row 1, colour"),
        ({"source": ""}, "row 1, source"),
    ],
)
def test_added_row_at_fault_names_row_field_and_value(tmp_path, change, message):
    (tmp_path / "row.json").write_text(json.dumps({**ADDED, **change}), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_added(tmp_path / "row.json")
