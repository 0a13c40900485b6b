"""Which figures are too good, where, and why nothing explains them."""

from __future__ import annotations

from motor.report.findings.alarms import Doubt, TooGood
from motor.report.text import number
from motor.report.wording import Wording


def place_text(wording: Wording, case: TooGood) -> str:
    """Return where a figure is too good: "macro-F1 in ShengYing, trained on Joint"."""
    metric = wording.say(f"metric.{case.metric}")
    if case.trained_on == case.domain:
        return wording.say("too_good.alone", what=metric, domain=case.domain)
    regime = wording.regime(case.trained_on)
    return wording.say("too_good.trained_on", what=metric, domain=case.domain, regime=regime)


def doubt_text(wording: Wording, doubt: Doubt) -> str:
    """Return why a figure is not explained."""
    names, value = wording.listed(doubt.names), number(doubt.value)
    return wording.say(f"doubt.{doubt.kind.replace(' ', '_')}", names=names, value=value)
