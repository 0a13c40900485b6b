"""From findings to a document: every section in its place, in one language."""

from __future__ import annotations

from motor.registry import plugins
from motor.report.collector import uncollected
from motor.report.document import Document, Part
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.wording import Wording
from motor.report.words import words


@uncollected()
def compose(findings: Findings) -> Document:
    """Return the report on what was found, in the language that the context names.

    Raises
    ------
    WordsError
        If there are no words in this language.
    """
    language = findings.context.language
    shared = words(language)
    title = Wording(shared, findings).say("report", name=findings.context.name)
    parts = [part for section in sections() if (part := _part(section, findings)) is not None]
    return Document(title, parts, shared)


def sections() -> list[Section]:
    """Return every section, in the order of their places."""
    made = [kind.model_validate({}) for kind in plugins(Section.ROOM).values()]
    return sorted((one for one in made if isinstance(one, Section)), key=lambda one: (one.PLACE, one.kind))


def _part(section: Section, findings: Findings) -> Part | None:
    if section.NEEDS_CELLS and not findings.cells:
        return None
    wording = Wording(section.words(findings.context.language), findings)
    blocks = section.blocks(findings, wording)
    return Part(section.kind, wording.say("title"), blocks, section.IS_OPEN) if blocks else None
