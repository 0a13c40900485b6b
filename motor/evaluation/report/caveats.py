"""What to know before believing the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from motor.evaluation.report.alarms import TooGood, alarm_text
from motor.evaluation.report.audit import NOT_AUDITED
from motor.evaluation.report.cells import CellResult, ReportContext, axes_text, cell_key, varying_axes
from motor.evaluation.report.comparisons import LEAST_MOTORS
from motor.evaluation.report.markdown import escape, number, some
from motor.evaluation.report.ranking import Ranking
from motor.evaluation.report.scores import Scores

NOT_LEARNED = 0.95  # error over the mean forecast's


def caveats(
    cells: list[CellResult],
    scores: Scores,
    ranking: Ranking | None,
    context: ReportContext,
    suspects: Sequence[TooGood] = (),
) -> list[str]:
    """List all honest warnings, most serious first, one paragraph each."""
    found = [
        alarm_text(list(suspects)),
        NOT_AUDITED if context.audit is None else "",
        _chance(scores, ranking),
        _few_motors(scores),
        _missing_classes(scores),
        _one_class_per_motor(scores),
        _sham_contexts(cells),
        _not_learned(cells),
        _unresolved_thresholds(cells),
        _failed(cells, context),
        _left_out(scores),
    ]
    return [text for text in found if text]


def _chance(scores: Scores, ranking: Ranking | None) -> str:
    if ranking is None:
        return ""
    chance = sum(max(scores.chance[name].values()) for name in scores.domains) / len(scores.domains)
    low = float(ranking.scores_RK[0, 0]) if ranking.interval is None else ranking.interval[0]
    if low > chance:
        return ""
    return f"**Not above chance.** The best recipe's interval begins at {number(low)}; no skill gives {number(chance)}."


def _few_motors(scores: Scores) -> str:
    few = []
    for domain, by_class in scores.motors.items():
        counts = [f"{escape(name)} {n}" for name, n in by_class.items() if 0 < n < LEAST_MOTORS]
        if counts:
            few.append(f"{escape(domain)} ({', '.join(counts)})")
    if not few:
        return ""
    return (
        f"**Few motors.** Fewer than {LEAST_MOTORS} test motors in {some(few, 8)}. Intervals from so few are rough: "
        "motors that none of these resembles may do worse than the interval says."
    )


def _missing_classes(scores: Scores) -> str:
    missing = [
        f"{escape(name)} in {escape(domain)}"
        for domain, by_class in scores.motors.items()
        for name, n_motors in by_class.items()
        if n_motors == 0
    ]
    return f"**Untested classes.** No test series of: {some(missing, 8)}." if missing else ""


def _one_class_per_motor(scores: Scores) -> str:
    labels = scores.motor_labels.values()
    several = sum(len(names) > 1 for names in labels)
    if several > len(labels) / 2:
        return ""
    return (
        f"**One class a motor.** {len(labels) - several} of {len(labels)} test motors were recorded in one state only, "
        "so what a motor sounds like and what is wrong with it cannot be fully separated: the score measures "
        "diagnosis only in part."
    )


def _sham_contexts(cells: list[CellResult]) -> str:
    """Name the recipes whose encoder saw less than their context, or as many tokens at several contexts."""
    sham = [*dict.fromkeys(filter(None, map(_cut_context, cells))), *_equal_contexts(cells)]
    if not sham:
        return ""
    return (
        "**Contexts that are not real.** The encoder did not see what the context length says "
        f"({some(sham, 4)}), so these cells do not differ in context as they claim."
    )


def _cut_context(cell: CellResult) -> str:
    """Say so if the encoder saw fewer samples than the cell's context."""
    length, seen = cell.axes.get("context_length"), (cell.training or {}).get("context_seen")
    values = [value for value in (seen if isinstance(seen, list | tuple) else [seen]) if value is not None]
    if length is None or not values or min(values) >= int(length):
        return ""
    return f"{escape(cell.axes['method'])}: {min(values)} of {length} samples"


def _equal_contexts(cells: list[CellResult]) -> list[str]:
    """Name the recipes whose encoder saw the same number of tokens at several context lengths."""
    lengths: dict[tuple[str, str, object], set[str]] = {}
    for cell in cells:
        tokens, length = (cell.training or {}).get("tokens"), cell.axes.get("context_length")
        if tokens is not None and length is not None:
            rest = cell_key(cell.axes, "context_length", "classifier", "seed", "domain")
            lengths.setdefault((str(cell.axes["method"]), str(tokens), rest), set()).add(str(length))
    return sorted(
        {
            f"{escape(method)}: {escape(tokens)} tokens for {' and '.join(sorted(several))} samples"
            for (method, tokens, _), several in lengths.items()
            if len(several) > 1
        }
    )


def _not_learned(cells: list[CellResult]) -> str:
    """Name the fine-tunes with which no class is forecast better than by the mean."""
    named = [name for name in varying_axes(cells) if name not in ("domain", "classifier", "seed")]
    lame: dict[str, float] = {}
    for cell in cells:
        errors = [error for error in (cell.skill or {}).values() if error is not None]
        if errors and min(errors) >= NOT_LEARNED:
            text = axes_text(cell.axes, named).removeprefix("method ")
            lame.setdefault(f"{escape(text)} in {escape(cell.axes['domain'])}", min(errors))
    if not lame:
        return ""
    return (
        f"**The forecaster did not learn to forecast** ({some(list(lame), 8)}): on every class its error is at least "
        f"{NOT_LEARNED} of that of a constant mean. What these cells achieve comes from the encoder's form or from "
        "the classifier, not from fine-tuning; compare with the untrained control."
    )


def _unresolved_thresholds(cells: list[CellResult]) -> str:
    every = [threshold for cell in cells for threshold in cell.thresholds]
    loose = [threshold for threshold in every if not threshold["resolved"]]
    if not loose:
        return ""
    rates = sorted({f"{100 * threshold['false_alarm_rate']:g} %" for threshold in loose})
    fewest = min(threshold["n_series"] for threshold in loose)
    return (
        f"**Alarm thresholds are rough.** {len(loose)} of {len(every)} rest on too few normal validation series (down "
        f"to {fewest}) for a false-alarm rate of {', '.join(rates)}; they sit at the largest score seen, and real "
        "false alarms may be more frequent."
    )


def _failed(cells: list[CellResult], context: ReportContext) -> str:
    if not context.failed:
        return ""
    total = len(cells) + len(context.failed)
    return f"**Failed cells: {len(context.failed)} of {total}.** No comparison has them; their causes stand below."


def _left_out(scores: Scores) -> str:
    if not scores.n_left_out:
        return ""
    return (
        f"**Unequal tests.** {scores.n_left_out} test series are missing in some cells; comparisons use the "
        f"{scores.n_series} that all cells of their domain share."
    )
