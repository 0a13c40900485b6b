"""Sections that stand behind the verdict: baselines, what training added, ranks, seeds, leaks."""

from __future__ import annotations

from pathlib import Path

from motor.evaluation.critical import critical_text
from motor.evaluation.forecasting import without_control
from motor.evaluation.repeats import best_by_method_and_domain
from motor.report.alarms import alarm_table
from motor.report.baselines import (
    baseline_table,
    chosen_inside_table,
    leaky_table,
    recipe_rows,
    recipe_table,
    seeds_table,
)
from motor.report.figures.critical import critical_difference_figure
from motor.report.findings import Findings
from motor.report.markdown import escape, folded, link, number, signed_with_interval, some
from motor.report.nested_text import nested_table, nested_text
from motor.report.tables import gains_table

LONG_TABLE = 24  # rows; longer ones are folded
LONGEST_TABLE = 120  # rows; the rest stands in cells.csv
CRITICAL = "critical-difference.png"


def baselines_section(findings: Findings) -> str:
    """Every method beside every other, in each regime and domain."""
    rows, scores, context = findings.rows, findings.scores, findings.context
    told = recipe_rows(rows, scores, context)
    title = "Show every recipe" if len(told) <= LONGEST_TABLE else f"Show the best {LONGEST_TABLE} of {len(told)}"
    inside = chosen_inside_table(findings.nested_by_method, rows, scores, context)
    if inside:
        lead = "Macro-F1 [95 %] of each method, its recipe chosen inside the training folds: what to compare."
        inside = f"{lead}\n\n{inside}"
    return "\n\n".join(
        [
            "## Every method, every regime",
            *([inside] if inside else []),
            "Macro-F1 [95 %] of each method by its best recipe of that column. That choice is made on the very motors "
            "that judge it, so each figure is flattered, that of a method with many recipes the most.",
            baseline_table(rows, scores, context),
            folded(recipe_table(rows, told[:LONGEST_TABLE], scores, context), title),
        ]
    )


def nested_section(findings: Findings) -> str:
    """What a recipe is worth that was chosen among all without the motors that judge it."""
    shown = nested_table(findings.nested, findings.context)
    parts = ["## Chosen inside the training folds", shown, nested_text(findings.nested)]
    return "\n\n".join(part for part in parts if part)


def training_section(findings: Findings) -> str:
    """What training added: forecast skill, and the untrained control."""
    context = findings.context
    bare = without_control(findings.rows, context)
    if not findings.method_gains and not bare:
        return ""
    parts = ["## What training added"]
    if findings.method_gains:
        parts += [_gains_told(findings), gains_table(findings.method_gains, ["method"], context.normal)]
    if bare:
        parts.append(
            f"**No untrained control** in this grid for {escape(some(bare, 8))}: nothing says what training did."
        )
    if len(findings.tuning_gains) > len(findings.method_gains):
        shown = gains_table(findings.tuning_gains[:LONGEST_TABLE], findings.tuning_axes, context.normal)
        parts += [folded(shown, "Show every fine-tune")]
    parts.append(
        "*Forecast error*: over that of the mean forecast on held-out series, near the forecast's origin where that is "
        "known; 1.00 means that nothing was forecast. *Training added*: macro-F1 over that of the untrained control "
        "with the same other axes, on the same motors; the intervals of the first table hold together."
    )
    return "\n\n".join(parts)


def _gains_told(findings: Findings) -> str:
    """Say plainly where training added something and where it did not."""
    groups: dict[str, list[str]] = {"added": [], "nothing": [], "took": []}
    for gain in findings.method_gains:
        found = gain.difference
        kind = "nothing" if not found.told_apart else "added" if found.value > 0 else "took"
        groups[kind].append(f"{escape(found.first)} ({signed_with_interval(found.value, found.interval)})")
    sentences = [
        f"**Training added nothing that these motors can show** to {some(groups['nothing'], 12)}."
        * bool(groups["nothing"]),
        f"**Training made worse** {some(groups['took'], 12)}." * bool(groups["took"]),
        f"**Training added** to {some(groups['added'], 12)}." * bool(groups["added"]),
    ]
    return " ".join(text for text in [*sentences, _tunings_told(findings)] if text)


def _tunings_told(findings: Findings) -> str:
    """Count the fine-tunes by what came of them."""
    told = [gain.difference for gain in findings.tuning_gains]
    if len(told) <= len(findings.method_gains):
        return ""
    added = sum(found.told_apart and found.value > 0 for found in told)
    took = sum(found.told_apart and found.value < 0 for found in told)
    return (
        f"Of {len(told)} fine-tunes, each for itself, training added to {added}, made {took} worse, and did nothing "
        f"that shows to {len(told) - added - took}."
    )


def alarms_section(findings: Findings) -> str:
    """All figures of 0.98 or more, each with what explains it."""
    shown = alarm_table(findings.suspects, findings.cells, findings.context)
    return f"## Figures of 0.98 or more\n\n{shown}" if shown else ""


def critical_section(findings: Findings, folder: Path) -> str:
    """Draw the critical-difference diagram beside the report, and say what it shows."""
    found = findings.critical
    (folder / CRITICAL).unlink(missing_ok=True)
    if found is None:
        return ""
    critical_difference_figure(folder / CRITICAL, found.mean_ranks, found.p_values, found.critical_difference)
    image = "!" + link("Critical-difference diagram: mean ranks of recipes over the test motors", CRITICAL)
    return f"## Recipes by rank\n\n{image}\n\n{critical_text(found)}"


def seeds_section(findings: Findings) -> str:
    """Macro-F1 seed by seed."""
    several = [row for row in findings.rows if len(row.cells) > 1]
    if not several:
        return ""
    spreads = [row.spread for row in several if row.spread is not None]
    lead = (
        "A recipe's score is the mean over its seeds; *spread* is their standard deviation"
        + (f", {number(sorted(spreads)[len(spreads) // 2])} in the middle" if spreads else "")
        + ". Intervals of other sections resample motors and know nothing of it."
    )
    if len(several) <= LONG_TABLE:
        return f"## Seeds\n\n{lead}\n\n{seeds_table(several)}"
    best = seeds_table(best_by_method_and_domain(several))
    return f"## Seeds\n\n{lead}\n\nThe best recipe of each method and domain (all: cells.csv):\n\n{best}"


def leaky_section(findings: Findings) -> str:
    """The same recipes under a split that leaks."""
    shown = leaky_table(findings.rows, findings.context)
    if not shown:
        return ""
    return (
        "## Leaky beside clean\n\n"
        "The same recipes with series of one motor on both sides of the split. The difference is what a reader of such "
        f"figures should take off; it is no result.\n\n{shown}"
    )
