"""What to know before believing the numbers, in words: one paragraph for each caveat."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch

from motor.evaluation.cells import axes_text
from motor.evaluation.comparisons import LEAST_MOTORS
from motor.report.alarms import alarm_text
from motor.report.audit import NOT_AUDITED
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
)
from motor.report.markdown import escape, number, some


def caveats_text(caveats: Iterable[Caveat]) -> list[str]:
    """Return one paragraph of Markdown for each."""
    return [_text(caveat) for caveat in caveats]


@singledispatch
def _text(caveat: Caveat) -> str:
    raise TypeError(f"no words for {type(caveat).__name__}; register them in {__file__}")


@_text.register
def _(caveat: TooGoodFigures) -> str:
    return alarm_text(list(caveat.cases))


@_text.register
def _(caveat: NotAudited) -> str:
    return NOT_AUDITED


@_text.register
def _(caveat: NotAboveChance) -> str:
    begins, chance = number(caveat.low), number(caveat.chance)
    return f"**Not above chance.** The best recipe's interval begins at {begins}; no skill gives {chance}."


@_text.register
def _(caveat: FewMotors) -> str:
    few = [
        f"{escape(domain)} ({', '.join(f'{escape(name)} {n}' for name, n in counts.items())})"
        for domain, counts in caveat.counts.items()
    ]
    return (
        f"**Few motors.** Fewer than {LEAST_MOTORS} test motors in {some(few, 8)}. Intervals from so few are rough: "
        "motors that none of these resembles may do worse than the interval says."
    )


@_text.register
def _(caveat: UntestedClasses) -> str:
    missing = [f"{escape(name)} in {escape(domain)}" for name, domain in caveat.places]
    return f"**Untested classes.** No test series of: {some(missing, 8)}."


@_text.register
def _(caveat: OneClassPerMotor) -> str:
    return (
        f"**One class a motor.** {caveat.n_single} of {caveat.n_motors} test motors were recorded in one state only, "
        "so what a motor sounds like and what is wrong with it cannot be fully separated: the score measures "
        "diagnosis only in part."
    )


@_text.register
def _(caveat: ShamContexts) -> str:
    cut = [f"{escape(method)}: {seen} of {length} samples" for method, seen, length in caveat.cut]
    equal = [
        f"{escape(method)}: {escape(tokens)} tokens for {' and '.join(several)} samples"
        for method, tokens, several in caveat.equal
    ]
    return (
        "**Contexts that are not real.** The encoder did not see what the context length says "
        f"({some([*cut, *equal], 4)}), so these cells do not differ in context as they claim."
    )


@_text.register
def _(caveat: NotLearned) -> str:
    lame = [
        f"{escape(axes_text(axes, caveat.named).removeprefix('method '))} in {escape(domain)}"
        for axes, domain in caveat.tunes
    ]
    return (
        f"**The forecaster did not learn to forecast** ({some(lame, 8)}): on every class its error is at least "
        f"{NOT_LEARNED} of that of a constant mean. What these cells achieve comes from the encoder's form or from "
        "the classifier, not from fine-tuning; compare with the untrained control."
    )


@_text.register
def _(caveat: RoughThresholds) -> str:
    rates = sorted(f"{100 * rate:g} %" for rate in caveat.rates)
    return (
        f"**Alarm thresholds are rough.** {caveat.n_rough} of {caveat.n_thresholds} rest on too few normal validation "
        f"series (down to {caveat.fewest}) for a false-alarm rate of {', '.join(rates)}; they sit at the largest score "
        "seen, and real false alarms may be more frequent."
    )


@_text.register
def _(caveat: FailedCells) -> str:
    return f"**Failed cells: {caveat.n_failed} of {caveat.n_cells}.** No comparison has them; their causes stand below."


@_text.register
def _(caveat: UnequalTests) -> str:
    return (
        f"**Unequal tests.** {caveat.n_missing} test series are missing in some cells; comparisons use the "
        f"{caveat.n_shared} that all cells of their domain share."
    )
