"""What was found, in plain words and in the reader's language: the sentences of `report.html`.

`result.md` says the same in Markdown; both word the same figures, none is worked out here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from motor.report.findings import Findings
from motor.report.html.prose_advice import Answer, advice, evidence_rule
from motor.report.html.prose_errors import errors
from motor.report.html.prose_evidence import (
    alarms,
    audit,
    baselines,
    leaky,
    nested,
    ranks,
    repeat,
    seeds,
    spent,
    training,
)
from motor.report.html.prose_verdict import verdict
from motor.report.html.prose_warnings import warnings
from motor.report.html.wording import Wording
from motor.report.html.words import words


@dataclass(frozen=True)
class Prose:
    """Every sentence of the page, as plain text: no markup, nothing escaped; [] where there is nothing to say.

    Attributes
    ----------
    verdict : list of str
        The first is the sentence to act on: which recipe, how good, how sure. Then its rivals, what training the
        forecaster is worth, what to expect on new motors, the alarms it raises.
    warnings : list of str
        What to know before believing it, the worst first.
    advice : list of Answer
        The questions of a plant, each a dict with `question`, `answer` and `reasons`, the differences behind it.
    advice_rule : str
        When a difference counts.
    baselines, nested, training, alarms, audit : list of str
        What the section's figures say: rivals side by side; choice inside the training folds; what training added;
        figures that are too good; what could lift a score without a fault being heard. The first says how to read
        the rest.
    errors : list of str
        What the advised recipe takes for what, and on which motors, in one sentence. Where another recipe is the
        best, the advised one's motors follow one by one, then the sentence on the best.
    ranks, seeds, leaky : list of str
        Recipes by their ranks over motors; how far they move with the seed; what a split that leaks would have
        claimed. [] where there is nothing of the kind.
    spent : list of str
        What was computed, and what sharing stages between cells saved; [] where `ReportContext.spent` is empty.
    repeat : list of str
        How to get the same numbers again: the first is the command alone.
    """

    verdict: list[str]
    warnings: list[str] = field(default_factory=list)
    advice: list[Answer] = field(default_factory=list)
    advice_rule: str = ""
    baselines: list[str] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)
    training: list[str] = field(default_factory=list)
    ranks: list[str] = field(default_factory=list)
    seeds: list[str] = field(default_factory=list)
    leaky: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    audit: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    spent: list[str] = field(default_factory=list)
    repeat: list[str] = field(default_factory=list)


def prose(findings: Findings, language: str) -> Prose:
    """Word what was found.

    Parameters
    ----------
    findings : Findings
        From `find`.
    language : str
        One of `languages()`.

    Raises
    ------
    WordsError
        If the language lacks its catalogue.
    """
    wording = Wording(words(language, "prose"), findings)
    return Prose(
        verdict=verdict(wording),
        warnings=warnings(wording),
        advice=advice(wording),
        advice_rule=evidence_rule(wording),
        baselines=baselines(wording),
        nested=nested(wording),
        training=training(wording),
        ranks=ranks(wording),
        seeds=seeds(wording),
        leaky=leaky(wording),
        alarms=alarms(wording),
        audit=audit(wording),
        errors=errors(wording),
        spent=spent(wording),
        repeat=repeat(wording),
    )
