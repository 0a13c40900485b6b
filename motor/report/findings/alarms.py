"""Figures that are too good: each with what explains it, or an alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from motor.evaluation.cells import PLAIN, CellResult, ReportContext
from motor.evaluation.repeats import Repeats
from motor.evaluation.scores import Scores
from motor.report.findings.audit import finding_names, is_clean, strongest_cue

ALARM = 0.98  # clean splits of public data give a macro-F1 of 0.5 to 0.75
SAME = 0.02  # as far as a plain recipe may lie behind and still "reach the same"

METRICS = ("macro_f1", "accuracy", "roc_auc_faulty")


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


def too_good(rows: list[Repeats], scores: Scores, context: ReportContext) -> list[TooGood]:
    """Return every regime, domain and metric in which a recipe reaches `ALARM`, with what speaks for and against it.

    Explained is a figure that plain features reach under the same split, where a leak audit ran and found
    nothing, and where no trivial cue comes half the way from chance to it.
    """
    found = []
    for metric in METRICS:
        for trained_on in dict.fromkeys(str(row.axes["domain"]) for row in rows):
            regime = [row for row in rows if str(row.axes["domain"]) == trained_on]
            for domain in scores.domains:
                values = [(row, row.mean(_value_of(metric, domain))) for row in regime]
                known = [(row, value) for row, value in values if value is not None]
                if any(is_too_good(value) for _, value in known):
                    found.append(_judge(metric, trained_on, domain, known, scores, context))
    return found


def is_too_good(value: float | None) -> bool:
    """Whether a figure is printed as `ALARM` or more."""
    return value is not None and round(value, 2) >= ALARM


def _value_of(metric: str, domain: str) -> Callable[[CellResult], float | None]:
    return lambda cell: (cell.metrics["by_domain"].get(domain) or {}).get(metric)


def _judge(
    metric: str,
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
    return TooGood(metric, trained_on, domain, n_rows, best, value, plain, cue, unexplained)


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


def _comes_near(cue: Mapping[str, Any], value: float) -> bool:
    """Whether a cue that beats chance comes half the way from chance to the figure."""
    return bool(cue["beats_chance"]) and cue["macro_f1"] >= (cue["chance"] + value) / 2
