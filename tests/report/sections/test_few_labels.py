"""The section on series without a label."""

from dataclasses import replace

import pytest

from motor.report.compose import compose
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
    for quality, kind, told in ((1.0, "self_training", TAKEN), (1.2, "scores", REFUSED)):
        cell = make_cell(quality, pseudo_labels=kind)
        folds = {"kind": kind, "folds": [{**FOLD, **told}]}
        cells.append(replace(cell, metrics={**cell.metrics, "pseudo_labels": folds}))
    cells += [make_cell(2.0, pseudo_labels="none"), make_cell(3.0, pseudo_labels="none", unlabelled_motors="all")]
    findings = find(cells, replace(context, language=language))
    write_markdown(tmp_path / "result.md", compose(findings))
    text = (tmp_path / "result.md").read_text(encoding="utf-8")
    assert all(part in text for part in (why, "0.99", "0.96", "14.1 %", "40"))
    assert [cell.axes.get("unlabelled_motors") for cell in findings.cells] == [None] * 3
