"""What the leak audit found, and what a look at trivial cues alone would score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motor.audit.cues import CUES
from motor.evaluation.cells import ReportContext
from motor.report.markdown import DASH, escape, number, some, table, with_interval

NOT_AUDITED = "**No leak audit ran with this grid.** Nothing here says that the split is clean."


def findings_first(context: ReportContext) -> str:
    """Return what stands above the verdict: the audit's findings; "" where it found nothing, or did not run."""
    findings = _findings(context)
    if not findings:
        return ""
    refused = refused_findings(context)
    if refused:
        title = "## LEAK AUDIT FAILED: READ THIS FIRST"
        lead = f"{len(refused)} of {len(findings)} findings are not accepted by the config: believe no figure below."
    else:
        title = "## ACCEPTED BY CONFIG, BUT READ THIS FIRST"
        lead = "The leak audit found what can lift the figures below; the config accepts it by name."
    return "\n\n".join([title, lead, "\n".join(_point(finding, context.accepted) for finding in findings)])


def audit_section(context: ReportContext) -> str:
    """Return the audit's own section: checks, and the table of trivial cues."""
    title = "## Leak audit"
    if context.audit is None:
        return f"{title}\n\n{NOT_AUDITED}"
    return "\n\n".join([title, _outcome(context), *_checks(context.audit), *_probe(context.audit)])


def is_clean(context: ReportContext) -> bool:
    """Whether an audit ran and found nothing, accepted or not."""
    return context.audit is not None and not _findings(context)


def finding_names(context: ReportContext) -> list[str]:
    """Return the names of all findings, accepted ones included."""
    return [str(finding["name"]) for finding in _findings(context)]


def refused_findings(context: ReportContext) -> list[Mapping[str, Any]]:
    """Return the findings that the config does not accept by name."""
    return [finding for finding in _findings(context) if finding["name"] not in context.accepted]


def strongest_cue(context: ReportContext, domain: str) -> Mapping[str, Any] | None:
    """Return the probe's row of the cue that scores highest in a domain; None where none was probed.

    Cues that a fault may explain, like the level, are left out: they may well come near.
    """
    rows = [row for row in (context.audit or {}).get("probe", []) if str(row["domain"]) == domain]
    known = [row for row in rows if row["macro_f1"] is not None and not by_fault(str(row["cue"]))]
    return max(known, key=lambda row: row["macro_f1"], default=None)


def by_fault(cue: str) -> bool:
    """Whether a fault may explain that a cue tells the class."""
    return cue in CUES and CUES[cue].by_fault


def _findings(context: ReportContext) -> list[Mapping[str, Any]]:
    return list((context.audit or {}).get("findings", []))


def _point(finding: Mapping[str, Any], accepted: tuple[str, ...]) -> str:
    evidence = ", ".join(f"{name}: {_plain(value)}" for name, value in (finding.get("evidence") or {}).items())
    state = " (accepted)" if finding["name"] in accepted else ""
    told = f" Evidence: {escape(evidence)}." if evidence else ""
    following = f" Next step: {escape(finding['next_step'])}" if finding.get("next_step") else ""
    return f"- **{escape(finding['name'])}**{state}: {escape(finding['what'])}{told}{following}"


def _outcome(context: ReportContext) -> str:
    names = finding_names(context)
    if not names:
        return "It found nothing."
    shown = [f"{name} (accepted)" if name in context.accepted else name for name in names]
    return f"Findings, told at the top: {escape(some(shown, 12))}."


def _checks(audit: Mapping[str, Any]) -> list[str]:
    rows = [
        [escape(check["name"]), "passed" if check["passed"] else "**found**", escape(check["what"])]
        for check in audit.get("checks", [])
    ]
    return [table(["Check", "Outcome", "What it asks"], rows, left=3)] if rows else []


def _probe(audit: Mapping[str, Any]) -> list[str]:
    """Return the table of trivial cues, strongest first in each domain."""
    rows = audit.get("probe", [])
    if not rows:
        return ["No trivial cue was probed."]
    ordered = sorted(rows, key=lambda row: (str(row["domain"]), -(row["macro_f1"] or 0.0), str(row["cue"])))
    told = [
        [
            escape(row["domain"]),
            f"**{escape(row['cue'])}**" if row["beats_chance"] else escape(row["cue"]),
            with_interval(row["macro_f1"], row["interval"]),
            number(row["chance"]),
            _p_value(row["p_value"]),
            str(row["n_motors"]),
            _beats(row),
        ]
        for row in ordered
    ]
    headers = ["Domain", "Cue alone", "Macro-F1 [95 %]", "Chance", "p", "Motors", "Beats chance?"]
    lead = (
        "Trivial cues, each alone through a classifier under the grid's own split. Where one beats chance that no "
        "fault explains, the recordings tell the class by how they were made. p: corrected for all cues and domains. "
        "A cue without a row is the same for all recordings."
    )
    return [lead, table(headers, told, left=2)]


def _beats(row: Mapping[str, Any]) -> str:
    if not row["beats_chance"]:
        return "no"
    return "yes; a fault may explain it" if by_fault(str(row["cue"])) else "**yes**"


def _p_value(value: float | None) -> str:
    if value is None:
        return DASH
    return "< 0.001" if value < 0.001 else number(value, 3)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_plain(part)}" for name, part in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else str(value)
