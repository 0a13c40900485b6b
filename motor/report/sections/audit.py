"""The leak audit: what it checked, what trivial cues score, what a split that leaks would have claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.audit import probe
from motor.evaluation.cells import varying_axes
from motor.report.document import Block, Heading, Paragraph, Points, Target, Value, plain_table
from motor.report.findings import Findings, cell_name
from motor.report.findings.audit import audit_findings, by_fault
from motor.report.findings.baselines import leaky_pairs
from motor.report.sections.base import Section
from motor.report.text import number, p_value, signed, with_interval
from motor.report.wording import Wording, axis_value


class LeakAudit(Section):
    kind: Literal["audit"] = "audit"
    PLACE = 85.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        if findings.context.audit is None:
            return [Paragraph(wording.say("not_audited"), "warning"), *_leaky(wording)]
        return [*_outcome(wording), *_checks(wording), *_probe(wording), *_leaky(wording)]


def _outcome(wording: Wording) -> list[Block]:
    """Say what the audit asked and found, and which trivial cue comes nearest."""
    context = wording.findings.context
    audit = context.audit or {}
    checks, found = audit.get("checks", []), audit_findings(context)
    n_passed = sum(bool(check["passed"]) for check in checks)
    names = [
        wording.say("accepted", name=one["name"]) if one["name"] in context.accepted else str(one["name"])
        for one in found
    ]
    texts = [wording.say("found", names=wording.listed(names, 12)) if found else wording.say("clean")]
    texts += [wording.say("checks_passed", n=len(checks), n_passed=n_passed)] if checks else []
    rows = [row for row in audit.get("probe", []) if row["macro_f1"] is not None]
    beating = sorted((row for row in rows if row["beats_chance"]), key=lambda row: -row["macro_f1"])
    texts += [_cue(wording, row) for row in beating]
    if not beating:
        texts.append(wording.say("no_cue", n=len(rows)) if rows else wording.say("not_probed"))
    return [Points(texts)]


def _cue(wording: Wording, row: Mapping[str, Any]) -> str:
    return wording.say(
        "cue_by_fault" if by_fault(str(row["cue"])) else "cue_alone",
        cue=wording.named("cue", str(row["cue"])),
        domain=wording.say("all_domains") if row["domain"] == probe.ALL else row["domain"],
        score=with_interval(row["macro_f1"], row["interval"]),
        chance=number(row["chance"]),
    )


def _checks(wording: Wording) -> list[Block]:
    rows = [
        [
            check["name"],
            Value(wording.say("passed" if check["passed"] else "not_passed"), is_strong=not check["passed"]),
            check["what"],
        ]
        for check in (wording.findings.context.audit or {}).get("checks", [])
    ]
    return plain_table(wording.say("checks"), wording.titles("check", "outcome", "asks"), rows, 3)


def _probe(wording: Wording) -> list[Block]:
    """Return what trivial cues alone score, strongest first in each domain."""
    rows = (wording.findings.context.audit or {}).get("probe", [])
    ordered = sorted(rows, key=lambda row: (str(row["domain"]), -(row["macro_f1"] or 0.0), str(row["cue"])))
    table_rows = [
        [
            str(row["domain"]),
            Value(str(row["cue"]), is_strong=bool(row["beats_chance"])),
            with_interval(row["macro_f1"], row["interval"]),
            number(row["chance"]),
            p_value(row["p_value"]),
            row["n_motors"],
            Value(wording.say(_beats(row)), is_strong=bool(row["beats_chance"])),
        ]
        for row in ordered
    ]
    keys = ("cue", "cue_score", "chance", "p", "motors", "beats_chance")
    titles = [wording.say("heading.domain"), *wording.titles(*keys)]
    how = [Paragraph(wording.say("probe_how"), "small")] if table_rows else []
    return [*plain_table(wording.say("probe"), titles, table_rows, 2), *how]


def _beats(row: Mapping[str, Any]) -> str:
    if not row["beats_chance"]:
        return "beats.no"
    return "beats.yes_by_fault" if by_fault(str(row["cue"])) else "beats.yes"


def _leaky(wording: Wording) -> list[Block]:
    """Return the best row of each method and regime beside the same under a split by series."""
    findings = wording.findings
    pairs = leaky_pairs(findings.rows, findings.context)
    if not pairs:
        return []
    axes = [name for name in varying_axes(findings.cells) if name != "seed"]
    rows = []
    for row, claimed in pairs:
        first, *rest = (axis_value(row.axes, axis) for axis in axes)
        head = Value(first, target=Target.cell(cell_name(row.first.axes), row.first.folder))
        adds = Value(signed(claimed - row.value), is_strong=True)
        rows.append([head, *rest, wording.score(row.value), number(claimed), adds])
    titles = [*(wording.heading(axis) for axis in axes), *wording.titles("clean", "leaky", "leak_adds")]
    return [
        Heading(wording.say("leaky")),
        Paragraph(wording.say("leaky_how")),
        *plain_table(wording.say("leaky"), titles, rows, len(axes)),
    ]


PLUGIN = LeakAudit
