"""The cells without a result, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motor.report.document import Block, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import DASH
from motor.report.wording import Wording


class Failed(Section):
    kind: Literal["failed"] = "failed"
    PLACE = 5.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        rows = [
            [", ".join(f"{name}={value}" for name, value in cell.axes.items()), cell.cause, cell.log or DASH]
            for cell in findings.context.failed
        ]
        return plain_table(wording.say("failed"), wording.titles("cell", "cause", "log"), rows, 3)


PLUGIN = Failed
