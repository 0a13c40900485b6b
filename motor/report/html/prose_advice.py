"""Answers to a plant's questions in plain words, each with the differences behind it."""

from __future__ import annotations

from typing import TypedDict

from motor.evaluation.comparisons import LEAST_MOTORS, Difference, Levels
from motor.report.advice import CHEAPER_IF_SMALLER, Advice, smallest
from motor.report.html.wording import Wording


class Answer(TypedDict):
    """One question of the advice: what to do, and the differences that say so."""

    question: str
    answer: str
    reasons: list[str]


def advice(wording: Wording) -> list[Answer]:
    """Return every question that the cells answer."""
    told = {
        "fine-tuning": _fine_tuning,
        "two-stage": _two_stage,
        "regime": _regime,
        "axis": _axis,
        "plain level": _plain_level,
    }
    return [told[found.kind](wording, found) for found in wording.findings.advice]


def evidence_rule(wording: Wording) -> str:
    """Return the rule by which a difference counts, for the reader."""
    return wording.say("advice.rule", least=LEAST_MOTORS)


def _fine_tuning(wording: Wording, found: Advice) -> Answer:
    """Say whether training the forecaster adds anything over its untrained control."""
    paying = [str(one.first) for one in found.differences if one.told_apart and one.value > 0]
    if paying:
        answer = wording.say("advice.tuning_pays", methods=wording.listed(paying, 12))
    elif all(one.told_apart for one in found.differences):
        answer = wording.say("advice.tuning_pays_not")
    else:
        most = max(one.n_motors for one in found.differences)
        answer = wording.say("advice.tuning_cannot_tell", motors=wording.motors(most))
    if len({_kind(one) for one in found.differences}) > 1:
        answer = wording.say("with_details", text=answer, details=_each(wording, found.differences))
    return _answer(wording, wording.say("question.fine_tuning"), answer, found)


def _two_stage(wording: Wording, found: Advice) -> Answer:
    (difference,) = found.differences
    answer = wording.say(f"advice.two_stage_{_kind(difference)}", motors=wording.motors(difference.n_motors))
    return _answer(wording, wording.say("question.two_stage", method=found.subject), answer, found)


def _regime(wording: Wording, found: Advice) -> Answer:
    """Say whether one joint model does better than one for each domain."""
    overall, *by_domain = found.differences
    joint = wording.regime(found.subject)
    answer = wording.say(
        f"advice.regime_{_kind(overall)}",
        joint=joint,
        motors=wording.motors(overall.n_motors),
        n=len(wording.findings.scores.domains),
    )
    if len({_kind(one) for one in found.differences}) > 1:
        single = [
            wording.say("level_told", level=domain, told=wording.conclusion(one))
            for domain, one in zip(found.domains, by_domain, strict=True)
        ]
        answer = wording.say("with_details", text=answer, details=wording.listed(single, 12))
    reasons = [wording.difference(overall, joint, wording.say("alone"))]
    for domain, one in zip(found.domains, by_domain, strict=True):
        first = wording.say("place.joint", regime=joint, domain=domain)
        reasons.append(wording.difference(one, first, wording.say("place.alone", domain=domain)))
    return Answer(question=wording.say("question.regime", joint=joint), answer=answer, reasons=reasons)


def _axis(wording: Wording, found: Advice) -> Answer:
    """Name the level that pays, or those that cannot be told apart, and what could not be compared."""
    levels = found.levels
    assert levels is not None
    answer = _levels(wording, found.subject, levels)
    notes = []
    if levels.missing:
        notes.append(wording.say("advice.missing", levels=wording.listed([*map(str, levels.missing)], 8)))
    if levels.n_incomplete:
        notes.append(wording.say("advice.incomplete", n=levels.n_incomplete))
    for note in notes:
        answer = wording.say("sentences", first=answer, second=note)
    return _answer(wording, _question(wording, found.subject), answer, found)


def _levels(wording: Wording, axis: str, levels: Levels) -> str:
    ties = levels.not_worse
    motors = wording.motors(next(iter(levels.behind.values())).n_motors)
    if len(ties) == 1:
        return wording.say("advice.level_pays", level=wording.axis(axis, levels.best))
    cheap = wording.say("advice.cheapest", level=smallest(ties)) if axis in CHEAPER_IF_SMALLER else ""
    if len(ties) == len(levels.means):
        first = cheap or wording.say("advice.came_first", level=levels.best)
        return wording.say("advice.levels_cannot_tell", motors=motors, todo=first)
    tied, worse = (
        wording.say("list.or").join(str(level) for level in levels.means if (level in ties) is is_tied)
        for is_tied in (True, False)
    )
    return wording.say("advice.levels_tied", levels=tied, worse=worse, motors=motors, todo=cheap)


def _plain_level(wording: Wording, found: Advice) -> Answer:
    """Say of each level whether it pays over the plain one."""
    plain = found.differences[0].second
    key = "question.longer_context" if found.subject == "context_length" else "question.over_plain"
    question = wording.say(key, axis=_axis_title(wording, found.subject), plain=plain)
    return _answer(wording, question, _each(wording, found.differences), found)


def _each(wording: Wording, differences: tuple[Difference, ...]) -> str:
    told = [wording.say("level_told", level=one.first, told=wording.conclusion(one)) for one in differences]
    return wording.listed(told, 24)


def _kind(difference: Difference) -> str:
    if not difference.told_apart:
        return "cannot_tell"
    return "pays" if difference.value > 0 else "pays_not"


def _question(wording: Wording, axis: str) -> str:
    return wording.say("question.which", axis=_axis_title(wording, axis))


def _axis_title(wording: Wording, axis: str) -> str:
    return wording.say(f"title.{axis}") if wording.words.has(f"title.{axis}") else axis.replace("_", " ")


def _answer(wording: Wording, question: str, answer: str, found: Advice) -> Answer:
    return Answer(question=question, answer=answer, reasons=[wording.difference(one) for one in found.differences])
