"""The section on series without a label."""

from dataclasses import replace

import pandas as pd
import pytest

from motor.report.compose import compose
from motor.report.findings.few_labels import added_by_unlabelled, curves
from motor.report.findings.find import find
from motor.report.markdown import write_markdown

FOLD = {
    "fold": "0",
    "n_unlabelled": 40,
    "n_proposed": 20,
    "asked_precision": 0.95,
    "notes": {"normal_share": 0.141},
}
TAKEN = {
    "n_taken": 12,
    "refused": "",
    "true_precision": 0.9876,
    "classes": {"normal": {"lower": 0.9612, "is_proven": True}},
}
REFUSED = {"n_taken": 0, "refused": "majority_not_normal", "true_precision": None, "classes": {}}


@pytest.mark.parametrize(("language", "why"), [("en", "most series are not normal"), ("zh", "多数序列并非正常")])
def test_section_tells_what_was_taken_and_what_was_refused_and_why(make_cell, context, tmp_path, language, why):
    cells = []
    for quality, kind, facts in ((1.0, "self_training", TAKEN), (1.2, "scores", REFUSED)):
        cell = make_cell(quality, pseudo_labels=kind)
        folds = {"kind": kind, "folds": [{**FOLD, **facts}]}
        cells.append(replace(cell, metrics={**cell.metrics, "pseudo_labels": folds}))
    cells += [make_cell(2.0, pseudo_labels="none"), make_cell(3.0, pseudo_labels="none", unlabelled_motors="all")]
    findings = find(cells, replace(context, language=language))
    write_markdown(tmp_path / "result.md", compose(findings))
    text = (tmp_path / "result.md").read_text(encoding="utf-8")
    assert all(part in text for part in (why, "0.99", "0.96", "14.1 %", "40"))
    assert [cell.axes.get("unlabelled_motors") for cell in findings.cells] == [None] * 3


@pytest.fixture(scope="module")
def shares(make_cell):
    """Cells that reach more with more labels, and with pseudo-labels where few are there."""
    quality = {("none", 0.1): 0.3, ("none", 1.0): 2.5, ("self_training", 0.1): 2.5, ("self_training", 1.0): 2.5}
    return [
        make_cell(value, seed, method="classical", labelled_share=share, pseudo_labels=labeller, classifier=head)
        for seed, head in enumerate(("lda", "svm"))
        for (labeller, share), value in quality.items()
    ]


def test_curve_and_gains_are_those_of_the_cells(shares, context):
    findings = find(shares, context)
    found = curves(findings.cells, findings.scores)
    assert list(found) == ["none", "self_training"]
    for (labeller, share), value in [(place, found[place[0]][place[1]]) for place in (("none", 0.1), ("none", 1.0))]:
        wanted = {"pseudo_labels": labeller, "labelled_share": share}
        figures = [
            findings.scores.values_R[index, domain][0]
            for index, domain in findings.scores.values_R
            if wanted.items() <= findings.cells[index].axes.items()
        ]
        assert value == pytest.approx(sum(figures) / len(figures))
    added = {(one.head, one.share): one for one in added_by_unlabelled(findings.cells, findings.scores)}
    assert set(added) == {(head, share) for head in ("lda", "svm") for share in (0.1, 1.0)}
    for head in ("lda", "svm"):
        assert added[head, 0.1].difference.value > 0.2
        assert added[head, 0.1].difference.value == pytest.approx(added[head, 0.1].with_it - added[head, 0.1].without)
        assert added[head, 1.0].difference.value == 0.0
        assert not added[head, 1.0].difference.told_apart


@pytest.mark.parametrize("language", ["en", "zh"])
def test_section_draws_the_curve_and_tells_the_gains(shares, context, shown, language):
    found = shown(find(shares, replace(context, language=language)), "few_labels", language)
    assert [figure.name for figure in found.figures] == ["labelled-share"]
    assert [trace["x"] for trace in found.figures[0].plot["data"]] == [[0.1, 1.0]] * 2
    gains, curve = found.tables.values()
    assert len(gains.rows) == 4
    assert len(curve.rows) == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_section_of_suspected_labels_names_motors_or_says_that_there_are_none(shares, context, shown, language):
    findings = find(shares, replace(context, language=language))
    row = {
        "motor": "m1",
        "label": "normal",
        "suggested": "spark",
        "quality": 0.07,
        "n_series": 4,
        "is_confident": False,
    }
    row |= {"probability_label": 0.12, "probability_suggested": 0.81}
    table = pd.DataFrame([row])
    section = shown(replace(findings, details={"suspected_labels": table}), "suspected_labels", language)
    (rows,) = section.tables.values()
    assert [value.text for value in rows.rows[0].values] == ["m1", "normal", "spark", "", "0.07", "0.12", "0.81", "4"]
    assert len(shown(replace(findings, details={"suspected_labels": table.head(0)}), "suspected_labels").blocks) == 1
    assert shown(findings, "suspected_labels").blocks == []
