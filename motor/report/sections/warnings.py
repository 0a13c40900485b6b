"""What to know before believing the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any, Literal

from motor.evaluation.comparisons import LEAST_MOTORS
from motor.report.document import Block, Points
from motor.report.findings import Findings
from motor.report.findings.alarms import ALARM
from motor.report.findings.audit import audit_findings, refused_findings
from motor.report.findings.caveats import (
    NOT_LEARNED,
    AssumedLabels,
    Caveat,
    FailedCells,
    FewMotors,
    NoHealthyClass,
    NotAboveChance,
    NotAudited,
    NotLearned,
    OneClassPerMotor,
    RoughThresholds,
    SameForAll,
    ShamContexts,
    TooGoodFigures,
    UnequalTests,
    Unreferenced,
    UntestedClasses,
    VectorsOfUnknownOrigin,
)
from motor.report.sections.base import Section
from motor.report.sections.too_good import doubt_text, place_text
from motor.report.text import fact_text, number
from motor.report.wording import Wording


class Warnings(Section):
    kind: Literal["warnings"] = "warnings"
    PLACE = 20.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        texts = [*_audit(wording), *(_caveat_text(caveat, wording) for caveat in findings.caveats)]
        return [Points(texts, "warning")] if texts else []


def _audit(wording: Wording) -> list[str]:
    """Tell every finding of the leak audit, with what it rests on and what to do."""
    context = wording.findings.context
    found = audit_findings(context)
    if not found:
        return []
    refused = refused_findings(context)
    names = wording.listed([str(one["name"]) for one in refused or found], 8)
    key = "warning.audit_failed" if refused else "warning.audit_accepted"
    lead = wording.say(key, n=len(found), n_refused=len(refused), names=names)
    return [lead, *(_finding(wording, one, one["name"] in context.accepted) for one in found)]


def _finding(wording: Wording, finding: Mapping[str, Any], is_accepted: bool) -> str:
    """Word a finding; one that the catalogue does not know, say a plug-in's, is shown as it came."""
    name, evidence = str(finding["name"]), finding.get("evidence") or {}
    is_known = wording.has(f"finding.{name}") and wording.words.language != "en"
    what = wording.say(f"finding.{name}") if is_known else f"{name}: {finding['what']}"
    evidence_text = wording.say("finding.evidence", evidence=_evidence(evidence)) if evidence else ""
    step = wording.say(f"step.{name}") if is_known else str(finding.get("next_step") or "")
    following = wording.say("finding.step", step=step) if step else ""
    accepted = wording.say("finding.accepted") if is_accepted else ""
    return wording.joined([what, evidence_text, accepted, following])


def _evidence(evidence: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {fact_text(value)}" for name, value in evidence.items())


@singledispatch
def _caveat_text(caveat: Caveat, wording: Wording) -> str:
    raise TypeError(f"no words for {type(caveat).__name__}; register them in {__file__}")


@_caveat_text.register
def _(caveat: TooGoodFigures, wording: Wording) -> str:
    alarms = [case for case in caveat.cases if case.unexplained]
    if not alarms:
        return wording.say("warning.too_good_explained", limit=ALARM)
    places = dict.fromkeys(place_text(wording, case) for case in alarms)
    doubts = dict.fromkeys(doubt_text(wording, doubt) for case in alarms for doubt in case.unexplained)
    values = {"places": wording.listed(list(places)), "doubts": wording.listed(list(doubts))}
    return wording.say("warning.too_good", limit=ALARM, **values)


@_caveat_text.register
def _(caveat: NotAudited, wording: Wording) -> str:
    return wording.say("not_audited")


@_caveat_text.register
def _(caveat: AssumedLabels, wording: Wording) -> str:
    ranges = [
        wording.say("warning.assumed_range", label=label, low=f"{low:g}", high=f"{high:g}")
        for label, (low, high) in caveat.ranges.items()
    ]
    return wording.say(f"warning.assumed_by_{caveat.by}", ranges=wording.listed(ranges, 8))


@_caveat_text.register
def _(caveat: NoHealthyClass, wording: Wording) -> str:
    return wording.say("warning.no_healthy")


@_caveat_text.register
def _(caveat: NotAboveChance, wording: Wording) -> str:
    return wording.say("warning.chance", low=number(caveat.low), chance=number(caveat.chance))


@_caveat_text.register
def _(caveat: FewMotors, wording: Wording) -> str:
    few = [
        wording.say("warning.few_motors_in", domain=domain, counts=wording.counted(counts))
        for domain, counts in caveat.counts.items()
    ]
    return wording.say("warning.few_motors", least=LEAST_MOTORS, domains=wording.listed(few, 8))


@_caveat_text.register
def _(caveat: UntestedClasses, wording: Wording) -> str:
    missing = [wording.say("warning.untested_in", label=label, domain=domain) for label, domain in caveat.places]
    return wording.say("warning.untested", places=wording.listed(missing, 8))


@_caveat_text.register
def _(caveat: OneClassPerMotor, wording: Wording) -> str:
    return wording.say("warning.one_class", n_single=caveat.n_single, motors=wording.motors(caveat.n_motors))


@_caveat_text.register
def _(caveat: ShamContexts, wording: Wording) -> str:
    cut = [
        wording.say("warning.context_cut", method=method, seen=seen, length=length)
        for method, seen, length in caveat.cut
    ]
    equal = [
        wording.say("warning.context_equal", method=method, tokens=tokens, lengths=", ".join(several))
        for method, tokens, several in caveat.equal
    ]
    return wording.say("warning.contexts", cases=wording.listed([*cut, *equal]))


@_caveat_text.register
def _(caveat: NotLearned, wording: Wording) -> str:
    tunes = [
        wording.say("warning.tune", axes=wording.axes(axes, caveat.named), domain=wording.regime(domain))
        for axes, domain in caveat.tunes
    ]
    return wording.say("warning.not_learned", tunes=wording.listed(tunes, 8), limit=NOT_LEARNED)


@_caveat_text.register
def _(caveat: SameForAll, wording: Wording) -> str:
    recipes = dict.fromkeys(wording.axes(axes, caveat.named) for axes in caveat.recipes)
    counts = {"n_same": len(caveat.recipes), "n_all": caveat.n_cells}
    return wording.say("warning.same_for_all", recipes=wording.listed(list(recipes), 8), **counts)


@_caveat_text.register
def _(caveat: RoughThresholds, wording: Wording) -> str:
    rates = ", ".join(f"{100 * rate:g} %" for rate in caveat.rates)
    counts = {"n_rough": caveat.n_rough, "n_all": caveat.n_thresholds, "fewest": caveat.fewest}
    return wording.say("warning.thresholds", rates=rates, **counts)


@_caveat_text.register
def _(caveat: Unreferenced, wording: Wording) -> str:
    lacking = [
        wording.say("warning.unreferenced_in", domain=domain, motors=wording.listed(list(motors), 8))
        for domain, motors in caveat.motors.items()
    ]
    return wording.say("warning.unreferenced", places=wording.listed(lacking, 8))


@_caveat_text.register
def _(caveat: VectorsOfUnknownOrigin, wording: Wording) -> str:
    return wording.say("warning.vectors_of_unknown_origin", n=caveat.n_cells)


@_caveat_text.register
def _(caveat: FailedCells, wording: Wording) -> str:
    return wording.say("warning.failed", n_failed=caveat.n_failed, n_all=caveat.n_cells)


@_caveat_text.register
def _(caveat: UnequalTests, wording: Wording) -> str:
    return wording.say("warning.unequal", n_missing=caveat.n_missing, n_shared=caveat.n_shared)


PLUGIN = Warnings
