"""Figures that are too good: each is printed with what explains it, or as an alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from motor.evaluation.cells import PLAIN, CellResult, ReportContext, axes_text, varying_axes
from motor.evaluation.repeats import Repeats
from motor.evaluation.scores import Scores
from motor.report.audit import finding_names, is_clean, strongest_cue
from motor.report.markdown import DASH, escape, number, some, table

ALARM = 0.98  # clean splits of public data give a macro-F1 of 0.5 to 0.75
SAME = 0.02  # as far as a plain recipe may lie behind and still "reach the same"
MARK = " †"  # beside every such figure

_METRICS = {"macro-F1": "macro_f1", "accuracy": "accuracy", "AUC faulty": "roc_auc_faulty"}


class Doubt(NamedTuple):
    """Why a figure is not explained.

    Attributes
    ----------
    kind : str
        "no plain": no plain features were tried; "plain below": they reach `value` only; "no audit": none ran;
        "found": the audit found `names`; "cue": a trivial cue, `names[0]`, alone gives `value`.
    """

    kind: str
    names: tuple[str, ...] = ()
    value: float | None = None


@dataclass(frozen=True, eq=False)
class TooGood:
    """All recipes of one regime that reach `ALARM` in one domain and metric.

    Attributes
    ----------
    metric, trained_on, domain : str
        Where.
    n_rows : int
        How many recipes reach it.
    best : Repeats
        The highest of them.
    value : float
        Its figure.
    plain : (Repeats, float) or None
        The best recipe without a network that forecasts, under the same split.
    cue : mapping or None
        The trivial cue that scores highest in this domain.
    unexplained : tuple of Doubt
        What keeps it from being explained; empty if it is explained.
    """

    metric: str
    trained_on: str
    domain: str
    n_rows: int
    best: Repeats
    value: float
    plain: tuple[Repeats, float] | None
    cue: Mapping[str, Any] | None
    unexplained: tuple[Doubt, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        """`unexplained` in words."""
        return tuple(map(_doubt_text, self.unexplained))


def too_good(rows: list[Repeats], scores: Scores, context: ReportContext) -> list[TooGood]:
    """Return every regime, domain and metric in which a recipe reaches `ALARM`, with what speaks for and against it.

    Explained is a figure that plain features reach under the same split, where a leak audit ran and found
    nothing, and where no trivial cue comes half the way from chance to it.
    """
    found = []
    for title, metric in _METRICS.items():
        for trained_on in dict.fromkeys(str(row.axes["domain"]) for row in rows):
            regime = [row for row in rows if str(row.axes["domain"]) == trained_on]
            for domain in scores.domains:
                values = [(row, row.mean(_value_of(metric, domain))) for row in regime]
                known = [(row, value) for row, value in values if value is not None]
                if any(is_too_good(value) for _, value in known):
                    found.append(_judge(title, trained_on, domain, known, scores, context))
    return found


def alarm_text(found: list[TooGood]) -> str:
    """Return the warning at the top: which of these figures nothing explains; "" where there are none."""
    alarms = [case for case in found if case.doubts]
    if not found:
        return ""
    if not alarms:
        return (
            f"**Figures of {ALARM} or more are explained**: plain features reach them under the same split, the leak "
            "audit is clean, and no trivial cue comes near (table below)."
        )
    places = list(dict.fromkeys(_place(case) for case in alarms))
    doubts = list(dict.fromkeys(doubt for case in alarms for doubt in case.doubts))
    return (
        f"**ALARM: too good.** {ALARM} or more without an explanation: {some(places, 4)}. Why it is not explained: "
        f"{some(doubts, 4)}. Clean splits of public motor data give a macro-F1 of 0.5 to 0.75; look for a leak (one "
        "motor on both sides, a gain, an offset or a sampling rate that differs by class) before you believe it."
    )


def alarm_table(found: list[TooGood], cells: list[CellResult], context: ReportContext) -> str:
    """Return the table of all figures of `ALARM` or more; "" where there are none."""
    if not found:
        return ""
    axes = [name for name in varying_axes(cells) if name not in ("domain", "seed")]
    rows = [
        [
            escape(case.domain),
            "itself" if case.trained_on == case.domain else escape(case.trained_on),
            case.metric,
            f"{number(case.value)}{MARK} {escape(axes_text(case.best.axes, axes))}",
            str(case.n_rows),
            DASH if case.plain is None else f"{number(case.plain[1])} {escape(axes_text(case.plain[0].axes, axes))}",
            _cue_text(case.cue),
            f"**ALARM**: {'; '.join(case.doubts)}" if case.doubts else "explained: plain features reach the same",
        ]
        for case in found
    ]
    headers = ["Domain", "Trained on", "Metric", "Highest", "Recipes", "Best plain recipe", "Strongest cue", "Reading"]
    lead = (
        f"{MARK.strip()} marks accuracy, macro-F1 and AUC of {ALARM} or more. Each is explained where plain features "
        f"(no network that forecasts) reach the same to {SAME} under the same split, the leak audit is clean, and no "
        "trivial cue comes half the way from chance to it; else it is an alarm."
    )
    return f"{lead}\n\n{table(headers, rows, left=8)}"


def marked(text: str, value: float | None) -> str:
    """Return a printed figure with the mark, if it is too good."""
    return text + MARK if is_too_good(value) else text


def is_too_good(value: float | None) -> bool:
    """Whether a figure is printed as `ALARM` or more."""
    return value is not None and round(value, 2) >= ALARM


def _place(case: TooGood) -> str:
    trained = "alone" if case.trained_on == case.domain else f"trained on {escape(case.trained_on)}"
    return f"{case.metric} in {escape(case.domain)}, {trained}"


def _value_of(metric: str, domain: str) -> Callable[[CellResult], float | None]:
    return lambda cell: (cell.metrics["by_domain"].get(domain) or {}).get(metric)


def _judge(
    title: str,
    trained_on: str,
    domain: str,
    known: list[tuple[Repeats, float]],
    scores: Scores,
    context: ReportContext,
) -> TooGood:
    best, value = max(known, key=lambda pair: pair[1])
    of_plain = [pair for pair in known if context.families.get(str(pair[0].axes["method"])) == PLAIN]
    plain = max(of_plain, key=lambda pair: pair[1], default=None)
    cue = strongest_cue(context, domain)
    unexplained = tuple(_doubts(value, plain, cue, context))
    n_rows = sum(is_too_good(found) for _, found in known)
    return TooGood(title, trained_on, domain, n_rows, best, value, plain, cue, unexplained)


def _doubts(
    value: float, plain: tuple[Repeats, float] | None, cue: Mapping[str, Any] | None, context: ReportContext
) -> Iterator[Doubt]:
    if plain is None:
        yield Doubt("no plain")
    elif plain[1] < value - SAME:
        yield Doubt("plain below", value=plain[1])
    if context.audit is None:
        yield Doubt("no audit")
    elif not is_clean(context):
        yield Doubt("found", tuple(finding_names(context)))
    if cue is not None and _comes_near(cue, value):
        yield Doubt("cue", (str(cue["cue"]),), cue["macro_f1"])


def _doubt_text(doubt: Doubt) -> str:
    texts = {
        "no plain": "no plain features were tried under this split",
        "plain below": f"plain features reach {number(doubt.value)} only",
        "no audit": "no leak audit ran",
        "found": f"the leak audit found {escape(some(doubt.names, 4))}",
        "cue": f"{escape(some(doubt.names, 1))} alone gives {number(doubt.value)}",
    }
    return texts[doubt.kind]


def _comes_near(cue: Mapping[str, Any], value: float) -> bool:
    """Whether a cue that beats chance comes half the way from chance to the figure."""
    return bool(cue["beats_chance"]) and cue["macro_f1"] >= (cue["chance"] + value) / 2


def _cue_text(cue: Mapping[str, Any] | None) -> str:
    if cue is None:
        return DASH
    return f"{escape(cue['cue'])} {number(cue['macro_f1'])} (chance {number(cue['chance'])})"
