"""How sure the forecasters are, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motor.report.document import Block, Points, plain_table
from motor.report.findings import Findings
from motor.report.findings.forecasts import Alarm, Forecasts, alarms, gate_gains
from motor.report.sections.base import Section
from motor.report.text import DASH, number, percent
from motor.report.wording import Wording


class ForecasterFacts(Section):
    kind: Literal["forecasters"] = "forecasters"
    PLACE = 66.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        every: Sequence[Forecasts] = findings.details.get("forecasts") or ()
        if not every:
            return []
        raised = alarms(every)
        told = [_alarm(wording, alarm) for alarm in raised]
        lead = wording.say("alarms", n=len(raised)) if raised else wording.say("no_alarms", n=len(every))
        gates = [text for one in every if (text := _gate(wording, one))]
        blocks: list[Block] = [Points([lead, *told], "warning" if raised else ""), *([Points(gates)] if gates else [])]
        return [*blocks, *_classes(wording, every), *_branches(wording, every), *_regimes(wording, every)]


def _name(wording: Wording, one: Forecasts) -> str:
    return wording.axes(one.axes, tuple(one.axes))


def _alarm(wording: Wording, alarm: Alarm) -> str:
    values = {name: number(value) for name, value in alarm.values.items()}
    return wording.say(f"alarm.{alarm.kind}", who=_name(wording, alarm.of), where=alarm.where, **values)


def _gate(wording: Wording, one: Forecasts) -> str:
    """Say whether the gate is worth it: its CRPS against that of the same branches with equal weights."""
    gains = gate_gains(one, wording.findings.context.normal)
    if not gains:
        return ""
    worse = [place for place, gain in gains.items() if gain < 0]
    key = "gate.nothing" if worse else "gate.pays"
    least, most = percent(min(gains.values())), percent(max(gains.values()))
    return wording.say(key, who=_name(wording, one), least=least, most=most, where=wording.listed(worse))


def _classes(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    facts = ("relative_error", "cover", "crps", "std_ratio", "bias", "rmse", "mape")
    rows = [
        [_name(wording, one), row["domain"], row["label"], *(_number(row[fact]) for fact in facts)]
        for one in every
        for row in one.classes
    ]
    titles = wording.titles("forecaster", "domain", "label", *facts)
    nominal = number(every[0].nominal)
    return plain_table(wording.say("classes", nominal=nominal), titles, rows, 3, elsewhere="forecasts.csv")


def _branches(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    rows = [
        [_name(wording, one), row["domain"], row["label"], name, *(_number(of[fact]) for fact in of)]
        for one in every
        for row in one.classes
        for name, of in row.get("branches", {}).items()
    ]
    titles = wording.titles("forecaster", "domain", "label", "branch", "weight", "by_itself", "crps")
    return plain_table(wording.say("branches"), titles, rows, 4)


def _regimes(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    """Say what regimes follow, and how likely each is in each class."""
    followed = [
        [_name(wording, one), *(_number(one.follow.get(name)) for name in ("label", "speed"))]
        for one in every
        if one.follow
    ]
    titles = wording.titles("forecaster", "label", "speed")
    return plain_table(wording.say("follow"), titles, followed)


def _number(value: float | None) -> str:
    return DASH if value is None else number(value)


PLUGIN = ForecasterFacts
