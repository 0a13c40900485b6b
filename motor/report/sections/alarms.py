"""Normal or faulty: the alarms of the advised recipe, and figures that are too good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.cells import varying_axes
from motor.report.document import Block, Heading, Paragraph, Value, plain_table
from motor.report.findings import Findings, advised_cells
from motor.report.findings.alarms import ALARM, SAME, TooGood
from motor.report.sections.base import Section
from motor.report.sections.too_good import doubt_text
from motor.report.text import DASH, number, percent
from motor.report.wording import Wording, rate, score


class Alarms(Section):
    kind: Literal["alarms"] = "alarms"
    PLACE = 65.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        alarms = [Paragraph(wording.say("lead")), *_thresholds(wording)] if findings.context.normal else []
        return [*alarms, *_too_good(wording)]


def _thresholds(wording: Wording) -> list[Block]:
    """Return the thresholds behind the alarms of the advised recipe, and what came of them."""
    rows = []
    for index in advised_cells(wording.findings):
        cell = wording.findings.cells[index]
        values = [threshold["value"] for threshold in cell.thresholds]
        if not values:
            continue
        asked = sorted({percent(threshold["false_alarm_rate"]) for threshold in cell.thresholds})
        rough = sum(not threshold["resolved"] for threshold in cell.thresholds)
        low, high = f"{min(values):.2g}", f"{max(values):.2g}"
        rows.append(
            [
                wording.cell(index, wording.regime(str(cell.axes["domain"]))),
                low if low == high else f"{low} – {high}",
                ", ".join(asked),
                rate(cell.metrics.get("false_alarm_rate")),
                rate(cell.metrics.get("detection_rate")),
                min(threshold["n_series"] for threshold in cell.thresholds),
                wording.say("of", part=rough, whole=len(values)),
            ]
        )
    keys = ("trained_on", "threshold", "asked", "false_alarms", "faults_caught", "normal_series", "rough")
    return plain_table(wording.say("thresholds"), wording.titles(*keys), rows)


def _too_good(wording: Wording) -> list[Block]:
    """Return every figure of 0.98 or more with what explains it, or why it is an alarm."""
    suspects = wording.findings.suspects
    if not suspects:
        return []
    axes = [name for name in varying_axes(wording.findings.cells) if name not in ("domain", "seed")]
    rows = [_case(wording, case, axes) for case in suspects]
    keys = ("trained_on", "metric", "highest", "n_recipes", "best_plain", "strongest_cue", "reading")
    titles = [wording.say("heading.domain"), *wording.titles(*keys)]
    rule = Paragraph(wording.say("too_good.rule", limit=ALARM, same=SAME), "small")
    caption = wording.say("too_good", limit=ALARM)
    return [Heading(caption), rule, *plain_table(caption, titles, rows, 8)]


def _case(wording: Wording, case: TooGood, axes: Sequence[str]) -> list[object]:
    doubts = wording.listed([doubt_text(wording, doubt) for doubt in case.unexplained], 8)
    reading = wording.say("too_good.alarm", doubts=doubts) if doubts else wording.say("too_good.explained")
    plain = DASH if case.plain is None else f"{number(case.plain[1])} {wording.axes(case.plain[0].axes, axes)}"
    return [
        case.domain,
        wording.say("itself") if case.trained_on == case.domain else wording.regime(case.trained_on),
        wording.say(f"metric.{case.metric}"),
        score(case.value, extra=f" {wording.axes(case.best.axes, axes)}"),
        case.n_rows,
        plain,
        _cue(wording, case.cue),
        Value(reading, is_strong=bool(doubts)),
    ]


def _cue(wording: Wording, cue: Mapping[str, Any] | None) -> str:
    if cue is None:
        return DASH
    return wording.say("too_good.cue", cue=cue["cue"], score=number(cue["macro_f1"]), chance=number(cue["chance"]))


PLUGIN = Alarms
