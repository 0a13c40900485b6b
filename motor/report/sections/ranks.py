"""Recipes by their ranks over the motors, and how far they move with the seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motor.evaluation.cells import varying_axes
from motor.evaluation.metrics.base import Metric
from motor.evaluation.sheet import DECISIONS, PROBABILITIES, SCORE
from motor.report.document import Block, Dot, DotRow, Figure, Group, Heading, Intervals, Paragraph, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import DASH, number, p_value
from motor.report.wording import Wording, axis_value


class Ranks(Section):
    kind: Literal["ranks"] = "ranks"
    PLACE = 60.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        return [*_ranks(wording), *_seeds(wording)]


def _ranks(wording: Wording) -> list[Block]:
    """Draw mean ranks: two whose bars, half a critical difference to each side, do not meet are told apart."""
    found = wording.findings.critical
    if found is None:
        return []
    text = wording.say(
        "ranks.found" if found.found else "ranks.none",
        which=wording.say("ranks.selection" if found.is_selection else "ranks.all"),
        by=wording.say(f"ranks.by.{_judged_by(wording.rank_by)}"),
        motors=wording.motors(found.n_motors),
        p=p_value(found.friedman_p) if found.friedman_p < 0.001 else f"= {p_value(found.friedman_p)}",
        distance=number(found.critical_difference),
    )
    half = found.critical_difference / 2
    ordered = sorted(found.mean_ranks.items(), key=lambda item: item[1])
    dots = [
        Dot(rank, (rank - half, rank + half), f"{name}: {number(rank)}", is_faint=not found.found)
        for name, rank in ordered
    ]
    rows = [
        DotRow(wording.say("ranks.recipe", recipe=name, rank=number(rank)), [dot])
        for (name, rank), dot in zip(ordered, dots, strict=True)
    ]
    span = (min(dot.value for dot in dots) - half - 0.2, max(dot.value for dot in dots) + half + 0.2)
    plot = Intervals(rows, [Group("", 0, 0)], wording.say("ranks.axis"), span)
    figure = Figure("critical-difference", plot, wording.say("ranks.figure"), wording.say("ranks.caption"))
    return [Paragraph(text), figure]


def _judged_by(metric: Metric) -> str:
    """Return what a motor judges recipes by where they are ranked by a metric: see `Metric.by_motor`."""
    if type(metric).by_motor is not Metric.by_motor:
        return "own"
    return next((name for name in (DECISIONS, PROBABILITIES) if name in metric.needs), SCORE)


def _seeds(wording: Wording) -> list[Block]:
    """Return the score of each recipe by seed, with mean and standard deviation."""
    findings = wording.findings
    several = [row for row in findings.rows if len(row.cells) > 1]
    if not several:
        return []
    seeds = sorted(
        {cell.axes.get("seed") for row in several for cell in row.cells}, key=lambda seed: str(seed).zfill(12)
    )
    axes = [name for name in varying_axes(findings.cells) if name != "seed"]
    rows = []
    for row in several:
        by_seed = {cell.axes.get("seed"): cell.metrics.get(wording.rank_by.kind) for cell in row.cells}
        mean = wording.score(row.value, row.interval(findings.context.classes))
        spread = DASH if row.spread is None else f"± {number(row.spread)}"
        rows.append(
            [*(axis_value(row.axes, name) for name in axes), *(number(by_seed.get(s)) for s in seeds), mean, spread]
        )
    spreads = sorted(row.spread for row in several if row.spread is not None)
    values = {"middle": number(spreads[len(spreads) // 2]), "most": number(spreads[-1])} if spreads else {}
    lead = [Paragraph(wording.say("seeds.how", n=len(spreads), **values))] if spreads else []
    titles = [*(wording.heading(name) for name in axes), *(wording.say("column.seed", seed=s) for s in seeds)]
    titles += wording.titles("mean", "spread")
    return [
        Heading(wording.say("seeds")),
        *lead,
        *plain_table(wording.say("seeds.caption"), titles, rows, len(axes), elsewhere="cells.csv"),
    ]


PLUGIN = Ranks
