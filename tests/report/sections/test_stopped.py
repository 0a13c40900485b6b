"""The recipes that a race has stopped: when and why; nothing where none was."""

import dataclasses

import pytest

from motor.report import Findings
from motor.report.document import Table
from motor.report.sections.stopped import Stopped
from motor.report.wording import Wording

STOPPED = {"axes": {"method": "C", "domain": "Joint", "classifier": "lda"}, "recipe": "method C", "after": 2, "of": 5}
STOPPED |= {"behind": "method A", "lead": 0.2, "n_motors": 18}


def blocks(context, language):
    findings, section = Findings([], dataclasses.replace(context, language=language)), Stopped()
    return section.blocks(findings, Wording(section.words(language), findings))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_stopped_cells_are_told_with_fold_leader_lead_and_motors(context, language):
    content = blocks(dataclasses.replace(context, stopped=(STOPPED,)), language)
    table = next(block for block in content if isinstance(block, Table))
    texts = [value.text for value in table.rows[0].values]
    assert "2" in texts[1]
    assert "5" in texts[1]
    assert texts[2:] == ["method A", "+0.20", "18"]


def test_nothing_is_told_where_nothing_was_stopped(context):
    assert blocks(context, "en") == []
