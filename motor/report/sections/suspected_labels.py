"""Labels that recipes which never saw the motor do not believe: to be looked at by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motor.report.document import Block, Paragraph, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import number
from motor.report.wording import Wording


class SuspectedLabels(Section):
    kind: Literal["suspected_labels"] = "suspected_labels"
    PLACE = 64.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        suspected = findings.details.get("suspected_labels")
        if suspected is None:
            return []
        if suspected.empty:
            return [Paragraph(wording.say("none"))]
        titles = wording.titles("motor", "label", "suggested", "confident", "quality", "given", "other", "series")
        rows = [
            [
                *(str(row[name]) for name in ("motor", "label", "suggested")),
                wording.say("is_sure") if row["is_confident"] else "",
                *(number(row[name]) for name in ("quality", "probability_label", "probability_suggested")),
                int(row["n_series"]),
            ]
            for row in suspected.to_dict("records")
        ]
        sure = suspected[suspected["is_confident"]]["motor"].nunique()
        lead = Paragraph(wording.say("lead", motors=wording.motors(suspected["motor"].nunique()), n=sure))
        return [lead, *plain_table(wording.say("table"), titles, rows, 4, elsewhere="suspected_labels.csv")]


PLUGIN = SuspectedLabels
