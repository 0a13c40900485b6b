"""Whether fine-tuning pays, and each axis: questions, answers, and the differences behind them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from motor.evaluation.axes.base import axis
from motor.evaluation.cells import cell_key, varying_axes
from motor.evaluation.comparisons import LEAST_MOTORS, Difference, Levels, differences
from motor.evaluation.forecasting import Gain, mean_errors, without_control
from motor.evaluation.repeats import slice_pairs
from motor.report.document import (
    Block,
    Dot,
    DotRow,
    Figure,
    Group,
    Heading,
    Intervals,
    Line,
    Paragraph,
    Points,
    plain_table,
)
from motor.report.findings import Findings
from motor.report.findings.advice import Advice, is_cheaper_if_smaller, regime_differences, smallest
from motor.report.sections.base import Section
from motor.report.text import DASH, number
from motor.report.wording import Wording, axis_value, outcome


class Pays(Section):
    kind: Literal["pays"] = "pays"
    PLACE = 40.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        answers = [block for advice in findings.advice for block in _answer(wording, advice)]
        rule = [Paragraph(wording.say("advice.rule", least=LEAST_MOTORS), "small")] if answers else []
        return [*_picture(wording), *answers, *_regimes(wording), *rule, *_training(wording)]


def _picture(wording: Wording) -> list[Block]:
    """Draw every difference behind the answers, those that these motors cannot tell from zero in grey."""
    rows = [
        DotRow(wording.say("side_by_side", first=first, second=second), [_dot(wording, difference)])
        for advice in wording.findings.advice
        for difference, (first, second) in zip(advice.differences, _sides(wording, advice), strict=True)
    ]
    if not rows:
        return []
    reach = max(abs(end) for row in rows for dot in row.dots for end in (dot.interval or (dot.value, dot.value)))
    reach = min(math.ceil(11 * max(reach, 0.1)) / 10, wording.largest)  # the axis has round numbers
    lines = [Line(0.0, wording.say("zero"), False)]
    plot = Intervals(rows, [Group("", 0, 0)], wording.say("difference_axis"), (-reach, reach), lines)
    return [Figure("differences", plot, wording.say("differences"), wording.say("differences_caption"))]


def _dot(wording: Wording, found: Difference) -> Dot:
    """Return a difference; one whose interval says nothing at all reaches from end to end."""
    interval = wording.clipped(found)
    if found.interval is not None and interval is None:
        interval = (-wording.largest, wording.largest)
    return Dot(found.value, interval, wording.gap(found), is_faint=not found.told_apart)


def _sides(wording: Wording, advice: Advice) -> list[tuple[str, str]]:
    """Return what each difference compares, in the reader's language."""
    if advice.kind != "regime":
        return [(str(found.first), str(found.second)) for found in advice.differences]
    joint = advice.subject
    by_domain = [(wording.column((joint, name)), wording.column((name, name))) for name in advice.domains]
    return [(wording.regime(joint), wording.say("alone")), *by_domain]


def _answer(wording: Wording, advice: Advice) -> list[Block]:
    """Return a question, its answer, and the numbers behind it."""
    by_kind = {
        "fine-tuning": _fine_tuning,
        "two-stage": _two_stage,
        "regime": _regime,
        "axis": _axis,
        "plain level": _plain_level,
    }
    question, answer = by_kind[advice.kind](wording, advice)
    sides = _sides(wording, advice)
    reasons = [wording.difference(one, *side) for one, side in zip(advice.differences, sides, strict=True)]
    n_pairs = wording.say("advice.pairs", n=advice.differences[0].n_pairs)
    return [
        Heading(question),
        Paragraph(answer),
        Points([*reasons, n_pairs]),
        *_levels_table(wording, advice, question),
    ]


def _fine_tuning(wording: Wording, advice: Advice) -> tuple[str, str]:
    paying = [str(one.first) for one in advice.differences if outcome(one) == "pays"]
    if paying:
        answer = wording.say("advice.tuning_pays", methods=wording.listed(paying, 12))
    elif all(one.told_apart for one in advice.differences):
        answer = wording.say("advice.tuning_pays_not")
    else:
        most = max(one.n_motors for one in advice.differences)
        answer = wording.say("advice.tuning_cannot_tell", motors=wording.motors(most))
    if len(set(map(outcome, advice.differences))) > 1:
        answer = wording.say("with_details", text=answer, details=_each(wording, advice.differences))
    return wording.say("question.fine_tuning"), answer


def _two_stage(wording: Wording, advice: Advice) -> tuple[str, str]:
    (difference,) = advice.differences
    answer = wording.say(f"advice.two_stage_{outcome(difference)}", motors=wording.motors(difference.n_motors))
    return wording.say("question.two_stage", method=advice.subject), answer


def _regime(wording: Wording, advice: Advice) -> tuple[str, str]:
    overall, *by_domain = advice.differences
    joint = wording.regime(advice.subject)
    motors, n_domains = wording.motors(overall.n_motors), len(wording.findings.scores.domains)
    answer = wording.say(f"advice.regime_{outcome(overall)}", joint=joint, motors=motors, n=n_domains)
    if len(set(map(outcome, advice.differences))) > 1:
        single = [
            wording.say("level_told", level=domain, conclusion=wording.conclusion(one))
            for domain, one in zip(advice.domains, by_domain, strict=True)
        ]
        answer = wording.say("with_details", text=answer, details=wording.listed(single, 12))
    return wording.say("question.regime", joint=joint), answer


def _axis(wording: Wording, advice: Advice) -> tuple[str, str]:
    """Name the level that pays, or those that cannot be told apart, and what could not be compared."""
    levels = advice.levels
    assert levels is not None
    notes = [_levels(wording, advice.subject, levels)]
    if levels.missing:
        notes.append(wording.say("advice.missing", levels=wording.listed([*map(str, levels.missing)], 8)))
    if levels.n_incomplete:
        notes.append(wording.say("advice.incomplete", n=levels.n_incomplete))
    own = axis(advice.subject).question if not wording.has(f"title.{advice.subject}") else ""
    question = own or wording.say("question.which", axis=_axis_title(wording, advice.subject))
    return question, wording.joined(notes)


def _levels(wording: Wording, name: str, levels: Levels) -> str:
    ties = levels.not_worse
    motors = wording.motors(next(iter(levels.behind.values())).n_motors)
    if len(ties) == 1:
        return wording.say("advice.level_pays", level=wording.axis(name, levels.best))
    cheap = wording.say("advice.cheapest", level=smallest(ties)) if is_cheaper_if_smaller(name) else ""
    if len(ties) == len(levels.means):
        first = cheap or wording.say("advice.came_first", level=levels.best)
        return wording.say("advice.levels_cannot_tell", motors=motors, todo=first)
    tied, worse = (
        wording.say("list.or").join(str(level) for level in levels.means if (level in ties) is is_tied)
        for is_tied in (True, False)
    )
    return wording.say("advice.levels_tied", levels=tied, worse=worse, motors=motors, todo=cheap)


def _plain_level(wording: Wording, advice: Advice) -> tuple[str, str]:
    """Say of each level whether it pays over the plain one."""
    key = "question.longer_context" if advice.subject == "context_length" else "question.over_plain"
    plain = advice.differences[0].second
    question = wording.say(key, axis=_axis_title(wording, advice.subject), plain=plain)
    return question, _each(wording, advice.differences)


def _each(wording: Wording, found: Sequence[Difference]) -> str:
    texts = [wording.say("level_told", level=one.first, conclusion=wording.conclusion(one)) for one in found]
    return wording.listed(texts, 24)


def _axis_title(wording: Wording, name: str) -> str:
    return wording.say(f"title.{name}") if wording.has(f"title.{name}") else axis(name).title or axis(name).name


def _levels_table(wording: Wording, advice: Advice, question: str) -> list[Block]:
    """Return the levels of one axis, best first, each against the best."""
    levels = advice.levels
    if levels is None:
        return []
    rows = [
        [str(level), number(mean), *_standing(wording, levels.behind.get(level))]
        for level, mean in sorted(levels.means.items(), key=lambda item: -item[1])
    ]
    caption = wording.say("levels", question=question, n=levels.n_settings)
    titles = wording.titles("level", "mean_score", "behind", "differing", "reading")
    return plain_table(caption, titles, rows)


def _standing(wording: Wording, found: Difference | None) -> list[object]:
    if found is None:
        return ["", "", wording.say("best")]
    reading = wording.say("worse") if found.told_apart else wording.reading(found)
    return [wording.gap(found), wording.say("of", part=found.n_differing, whole=found.n_motors), reading]


def _regimes(wording: Wording) -> list[Block]:
    """Return Joint minus the domain's own model, domain by domain, then setting by setting on the same series."""
    findings, joint = wording.findings, wording.findings.context.joint
    rows = [
        [domain, wording.gap(found), found.n_pairs, wording.reading(found)]
        for domain, found in regime_differences(findings.cells, findings.scores, joint).items()
    ]
    titles = [wording.say("heading.domain"), *wording.titles("difference", "pairs", "reading")]
    return [*plain_table(wording.say("regimes", joint=joint), titles, rows), *_settings(wording)]


def _settings(wording: Wording) -> list[Block]:
    findings, joint, scores = wording.findings, wording.findings.context.joint, wording.findings.scores
    axes = [name for name in varying_axes(findings.cells) if name not in ("domain", "seed")]
    shared = {cell_key(row.axes, "domain"): row for row in findings.rows if row.axes["domain"] == joint}
    rows = []
    for own in findings.rows:
        of_all = shared.get(cell_key(own.axes, "domain"))
        pairs = [] if of_all is None or of_all is own else slice_pairs(scores, of_all, own)
        if pairs:
            (found,) = differences(scores, [(joint, "alone", pairs)])
            means = [np.mean([scores.values_R[pair[side]][0] for pair in pairs]) for side in (1, 0)]
            coordinates = [axis_value(own.axes, name) for name in axes]
            rows.append([str(own.axes["domain"]), *coordinates, *map(number, means), wording.gap(found)])
    titles = [wording.heading(name) for name in ("domain", *axes)]
    titles += [wording.say("column.alone"), wording.regime(joint), wording.say("column.difference")]
    rows.sort(key=lambda row: str(row[0]))
    caption = wording.say("every_setting", joint=joint)
    return plain_table(caption, titles, rows, 1 + len(axes), elsewhere="cells.csv")


def _training(wording: Wording) -> list[Block]:
    """Say what training added to each method over its untrained control."""
    findings = wording.findings
    groups: dict[str, list[str]] = {"cannot_tell": [], "pays_not": [], "pays": []}
    for gain in findings.method_gains:
        text = wording.say("training.method", method=gain.difference.first, gap=wording.gap(gain.difference))
        groups[outcome(gain.difference)].append(text)
    texts = [
        wording.say(f"training.{one}", methods=wording.listed(names, 12)) for one, names in groups.items() if names
    ]
    has_tunings = len(findings.tuning_gains) > len(findings.method_gains)
    if has_tunings:
        counts = Counter(outcome(gain.difference) for gain in findings.tuning_gains)
        kinds = {kind: counts[kind] for kind in groups}
        texts.append(wording.say("training.tunes", n=len(findings.tuning_gains), **kinds))
    if bare := without_control(findings.rows, findings.context):
        texts.append(wording.say("training.no_control", methods=wording.listed(bare, 8)))
    if not texts:
        return []
    tables = _gains(wording, "gains", findings.method_gains, ["method"])
    tables += _gains(wording, "tuning_gains", findings.tuning_gains, findings.tuning_axes) if has_tunings else []
    how = Paragraph(wording.say("training.how"), "small")
    return [Heading(wording.say("training")), Points(texts), *tables, how]


def _gains(wording: Wording, caption: str, gains: Sequence[Gain], axes: Sequence[str]) -> list[Block]:
    """Return what training added: forecast error, the untrained control, the difference."""
    rows = []
    for gain in gains:
        errors = mean_errors(gain.rows, wording.findings.context.normal)
        means = [sum(row.value for row in part) / len(part) for part in (gain.rows, gain.controls)]
        found, control = gain.difference, str(gain.controls[0].axes["method"])
        coordinates = [axis_value(gain.rows[0].axes, name) for name in axes]
        added = [wording.gap(found), found.n_pairs, _gain_reading(wording, found)]
        rows.append([*coordinates, control, *map(number, (*errors, *means)), *added])
    titles = [*(wording.heading(name) for name in axes), wording.say("column.control")]
    of = (wording.findings.context.normal or DASH, wording.say("faulty"))
    titles += [wording.say("column.forecast_error", of=name) for name in of]
    titles += wording.titles("mean_score", "control_score", "training_added", "pairs", "reading")
    text = wording.say(caption, n=len(rows))
    return plain_table(text, titles, rows, 1 + len(axes), elsewhere="cells.csv")


def _gain_reading(wording: Wording, found: Difference) -> str:
    return wording.reading(found) if outcome(found) == "cannot_tell" else wording.say(f"gain.{outcome(found)}")


PLUGIN = Pays
