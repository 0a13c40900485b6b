"""The recipes that a race has stopped: when, and why. They are ranked with none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motor.report.document import Block, Paragraph, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import signed
from motor.report.wording import Wording


class Stopped(Section):
    kind: Literal["stopped"] = "stopped"
    PLACE = 6.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        stopped = findings.context.stopped
        if not stopped:
            return []
        rows = [
            [
                wording.axes(cell["axes"], list(cell["axes"])),
                wording.say("stopped.folds", part=cell["after"], whole=cell["of"]),
                cell["behind"],
                signed(cell["lead"]),
                cell["n_motors"],
            ]
            for cell in sorted(stopped, key=lambda cell: (-cell["after"], cell["lead"]))
        ]
        n_all = len(stopped) + len(findings.everything) + len(findings.context.failed)
        lead = Paragraph(wording.say("stopped.how", n=len(stopped), n_all=n_all))
        titles = wording.titles("cell", "stopped", "behind", "lead", "motors")
        return [lead, *plain_table(wording.say("stopped.caption"), titles, rows, 3)]


PLUGIN = Stopped
