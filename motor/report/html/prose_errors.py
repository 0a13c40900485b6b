"""What a recipe gets wrong, and on which motors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from motor.evaluation.decisions import decide
from motor.evaluation.ranking import Recipe
from motor.report.findings import Findings
from motor.report.html.wording import Wording, share

MOST_MOTORS = 10


@dataclass(frozen=True)
class Errors:
    """A recipe's errors on its test series, over all domains (and seeds).

    Attributes
    ----------
    n_wrong, n_series : int
        Test series.
    motors : list of dict
        The rows of `by_motor` with a wrong series, the worst first.
    n_motors, n_motors_wrong : int
        Test motors, and those with a wrong series.
    confused : list of ((true class, class taken for it), count)
        The commonest first.
    """

    n_wrong: int
    n_series: int
    motors: list[dict[str, Any]]
    n_motors: int
    n_motors_wrong: int
    confused: list[tuple[tuple[str, str], int]]


def errors_of(findings: Findings, recipe: Recipe) -> Errors:
    """Return a recipe's errors."""
    cells = [findings.cells[index] for index in sorted({index for index, _ in recipe.slices})]
    rows = [row for cell in cells for row in cell.metrics["by_motor"]]
    wrong = [row for row in rows if row["n_errors"]]
    wrong.sort(key=lambda row: (-row["n_errors"] / row["n_series"], -row["n_series"], row["motor"]))
    confused: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        table = cell.predictions
        missed = table[table["label"] != table["predicted"]]
        confused.update(zip(missed["label"], missed["predicted"], strict=True))
    return Errors(
        sum(row["n_errors"] for row in rows),
        sum(row["n_series"] for row in rows),
        wrong,
        len({row["motor"] for row in rows}),
        len({row["motor"] for row in wrong}),
        sorted(confused.items(), key=lambda item: (-item[1], item[0])),
    )


def errors_in_short(wording: Wording, recipe: Recipe) -> str:
    """Return in one sentence what a recipe gets wrong, and on which motors."""
    found = errors_of(wording.findings, recipe)
    if not found.n_wrong:
        return wording.say("errors.none", recipe=wording.recipe(recipe), n=found.n_series)
    motors = list(dict.fromkeys(row["motor"] for row in found.motors))
    return wording.say(
        "errors.short",
        recipe=wording.recipe(recipe),
        n_wrong=found.n_wrong,
        n=found.n_series,
        n_motors_wrong=found.n_motors_wrong,
        motors=wording.motors(found.n_motors),
        worst=wording.listed(motors),
        confused=_confused(wording, found),
    )


def errors(wording: Wording) -> list[str]:
    """Return what the advised recipe gets wrong; where another is the best, its motors one by one, and the best's."""
    ranking = wording.findings.ranking
    if ranking is None:
        return []
    advised, best = decide(ranking, wording.findings.context).recipe, ranking.recipes[0]
    told = [errors_in_short(wording, advised)]
    return told if advised is best else [*told, *_motors(wording, advised), errors_in_short(wording, best)]


def _motors(wording: Wording, recipe: Recipe) -> list[str]:
    rows = errors_of(wording.findings, recipe).motors
    rest = len(rows) - MOST_MOTORS
    told = [_motor(wording, row) for row in rows[:MOST_MOTORS]]
    return told + ([wording.say("errors.more", n=rest)] if rest > 0 else [])


def _motor(wording: Wording, row: dict[str, Any]) -> str:
    return wording.say(
        "errors.motor",
        motor=row["motor"],
        domain=row["domain"],
        labels=", ".join(row["labels"]),
        n_wrong=row["n_errors"],
        n=row["n_series"],
        share=share(row["n_errors"] / row["n_series"]),
        taken_for=wording.counted(row["taken_for"]),
    )


def _confused(wording: Wording, found: Errors) -> str:
    told = [wording.say("errors.pair", true=true, taken=taken, n=count) for (true, taken), count in found.confused]
    return wording.listed(told, 3)
