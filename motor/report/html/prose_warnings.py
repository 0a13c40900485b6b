"""What to know before believing the numbers, in plain words."""

from __future__ import annotations

from functools import singledispatch

from motor.evaluation.comparisons import LEAST_MOTORS
from motor.report.alarms import ALARM, Doubt, TooGood
from motor.report.audit import refused_findings
from motor.report.caveats import (
    NOT_LEARNED,
    Caveat,
    FailedCells,
    FewMotors,
    NotAboveChance,
    NotAudited,
    NotLearned,
    OneClassPerMotor,
    RoughThresholds,
    ShamContexts,
    TooGoodFigures,
    UnequalTests,
    UntestedClasses,
    find_caveats,
)
from motor.report.html.wording import Wording
from motor.report.markdown import number


def warnings(wording: Wording) -> list[str]:
    """Return every warning, the worst first: what the leak audit found stands before all others."""
    found = wording.findings
    caveats = find_caveats(found.cells, found.scores, found.ranking, found.context, found.suspects)
    return audit_first(wording) + [_told(caveat, wording) for caveat in caveats]


def audit_first(wording: Wording) -> list[str]:
    """Say that the leak audit found something, and whether the config accepts it; [] where it found nothing."""
    context = wording.findings.context
    n_findings = len((context.audit or {}).get("findings", []))
    if not n_findings:
        return []
    refused = refused_findings(context)
    names = wording.listed([str(found["name"]) for found in refused or (context.audit or {})["findings"]], 8)
    key = "warning.audit_failed" if refused else "warning.audit_accepted"
    return [wording.say(key, n=n_findings, n_refused=len(refused), names=names)]


def place_of(wording: Wording, case: TooGood) -> str:
    """Return where a figure is too good: "macro-F1 in ShengYing, trained on Joint"."""
    metric = wording.say(f"metric.{case.metric}")
    if case.trained_on == case.domain:
        return wording.say("too_good.alone", metric=metric, domain=case.domain)
    regime = wording.regime(case.trained_on)
    return wording.say("too_good.trained_on", metric=metric, domain=case.domain, regime=regime)


def doubt_of(wording: Wording, doubt: Doubt) -> str:
    """Return why a figure is not explained."""
    return wording.say(
        f"doubt.{doubt.kind.replace(' ', '_')}", names=wording.listed(doubt.names), value=number(doubt.value)
    )


@singledispatch
def _told(caveat: Caveat, wording: Wording) -> str:
    raise TypeError(f"no words for {type(caveat).__name__}; register them in {__file__}")


@_told.register
def _(caveat: TooGoodFigures, wording: Wording) -> str:
    alarms = [case for case in caveat.cases if case.unexplained]
    if not alarms:
        return wording.say("warning.too_good_explained", limit=ALARM)
    places = dict.fromkeys(place_of(wording, case) for case in alarms)
    doubts = dict.fromkeys(doubt_of(wording, doubt) for case in alarms for doubt in case.unexplained)
    values = {"places": wording.listed(list(places)), "doubts": wording.listed(list(doubts))}
    return wording.say("warning.too_good", limit=ALARM, **values)


@_told.register
def _(caveat: NotAudited, wording: Wording) -> str:
    return wording.say("warning.not_audited")


@_told.register
def _(caveat: NotAboveChance, wording: Wording) -> str:
    return wording.say("warning.chance", low=number(caveat.low), chance=number(caveat.chance))


@_told.register
def _(caveat: FewMotors, wording: Wording) -> str:
    few = [
        wording.say("warning.few_motors_in", domain=domain, counts=wording.counted(counts))
        for domain, counts in caveat.counts.items()
    ]
    return wording.say("warning.few_motors", least=LEAST_MOTORS, domains=wording.listed(few, 8))


@_told.register
def _(caveat: UntestedClasses, wording: Wording) -> str:
    missing = [wording.say("warning.untested_in", label=label, domain=domain) for label, domain in caveat.places]
    return wording.say("warning.untested", places=wording.listed(missing, 8))


@_told.register
def _(caveat: OneClassPerMotor, wording: Wording) -> str:
    return wording.say("warning.one_class", n_single=caveat.n_single, motors=wording.motors(caveat.n_motors))


@_told.register
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


@_told.register
def _(caveat: NotLearned, wording: Wording) -> str:
    tunes = [
        wording.say("warning.tune", axes=wording.axes(axes, caveat.named), domain=wording.regime(domain))
        for axes, domain in caveat.tunes
    ]
    return wording.say("warning.not_learned", tunes=wording.listed(tunes), limit=NOT_LEARNED)


@_told.register
def _(caveat: RoughThresholds, wording: Wording) -> str:
    rates = ", ".join(f"{100 * rate:g} %" for rate in caveat.rates)
    counts = {"n_rough": caveat.n_rough, "n_all": caveat.n_thresholds, "fewest": caveat.fewest}
    return wording.say("warning.thresholds", rates=rates, **counts)


@_told.register
def _(caveat: FailedCells, wording: Wording) -> str:
    return wording.say("warning.failed", n_failed=caveat.n_failed, n_all=caveat.n_cells)


@_told.register
def _(caveat: UnequalTests, wording: Wording) -> str:
    return wording.say("warning.unequal", n_missing=caveat.n_missing, n_shared=caveat.n_shared)
