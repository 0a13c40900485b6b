"""What the leak audit found, and what a look at trivial cues alone would score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motor.audit.cues import CUES
from motor.evaluation.cells import ReportContext


def is_clean(context: ReportContext) -> bool:
    """Whether an audit ran and found nothing, accepted or not."""
    return context.audit is not None and not audit_findings(context)


def finding_names(context: ReportContext) -> list[str]:
    """Return the names of all findings, accepted ones included."""
    return [str(finding["name"]) for finding in audit_findings(context)]


def refused_findings(context: ReportContext) -> list[Mapping[str, Any]]:
    """Return the findings that the config does not accept by name."""
    return [finding for finding in audit_findings(context) if finding["name"] not in context.accepted]


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


def audit_findings(context: ReportContext) -> list[Mapping[str, Any]]:
    """Return what the audit found, accepted or not; [] where it found nothing, or did not run."""
    return list((context.audit or {}).get("findings", []))
