"""How to get the same numbers again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from motor.report.document import Block, Code, Paragraph, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.wording import Wording


class Repeat(Section):
    kind: Literal["repeat"] = "repeat"
    PLACE = 95.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        context = findings.context
        return [
            Paragraph(wording.say("lead")),
            Code(context.command, "sh"),
            *_facts(wording, "digests", "digest", context.digests),
            *_facts(wording, "versions", "version", context.versions),
        ]


def _facts(wording: Wording, caption: str, kind: str, facts: Mapping[str, str]) -> list[Block]:
    rows = [[wording.named(kind, name), value] for name, value in facts.items()]
    return plain_table(wording.say(caption), wording.titles("name", "value"), rows, 2, style="facts")


PLUGIN = Repeat
