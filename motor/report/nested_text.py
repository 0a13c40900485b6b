"""Nested selection as the report shows it: a table, and what each fold chose."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from motor.evaluation.cells import FORECASTER, PLAIN, ReportContext
from motor.evaluation.nested import ALL, FAMILIES, Figure, Nested, NestedFigure
from motor.report.markdown import DASH, escape, number, some, table, with_interval

_TITLES = {ALL: "any recipe", FORECASTER: "forecasters alone", PLAIN: "plain features alone"}
_ROWS: tuple[tuple[str, Callable[[NestedFigure], Figure]], ...] = (
    ("**chosen inside**", lambda figure: figure.chosen_inside),
    ("best of all (flatters)", lambda figure: figure.best_of_all),
    ("vote of all", lambda figure: figure.vote_of_all),
    ("vote of the best inside", lambda figure: figure.vote_within_reach),
)


def nested_table(nested: Nested, context: ReportContext) -> str:
    """Return the table: a row for each family and figure, a column for each regime and domain; "" without figures."""
    columns = list(dict.fromkeys((figure.regime, figure.domain) for figure in nested.figures))
    rows = []
    for family in FAMILIES if columns else ():
        known = {(figure.regime, figure.domain): figure for figure in nested.of(family)}
        for text, value_of in _ROWS if known else ():
            values = [value_of(known[column]) if column in known else None for column in columns]
            rows.append([f"{_TITLES[family]}: {text}", *map(_figure_text, values), *_least_and_mean(values)])
    headers = ["Macro-F1 [95 %]", *(_title(*column, context.joint) for column in columns), "least", "mean"]
    return table(headers, rows) if rows else ""


def nested_text(nested: Nested) -> str:
    """Say how the table is made, what the choice costs over all domains, what each fold chose, and who took no part."""
    if not nested.figures:
        return "No cell kept predictions of held-out motors, so no choice can be made inside the training folds."
    parts = [
        "*Chosen inside*: for each test fold the recipe with the greatest held-out macro-F1 inside its training folds "
        "(ties: the lower Brier score, then the cheaper), judged on motors that the choice never saw: what to expect "
        "of a recipe chosen this way. "
        "*Best of all*: the greatest figure on the test motors themselves; it flatters. *Vote*: mean probability, of "
        "all recipes, or of those within one standard error of the best held-out score.",
        "\n".join(_overall_lines(nested)),
        "The choices, fold by fold:\n\n" + "\n".join(_choices(figure) for figure in nested.of(ALL)),
    ]
    if nested.without_held_out:
        named = escape(some(nested.without_held_out, 6))
        parts.append(f"Took no part, for want of held-out predictions: {named}.")
    return "\n\n".join(part for part in parts if part)


def _overall_lines(nested: Nested) -> list[str]:
    return [
        f"- One recipe for all domains, {_TITLES[found.family]} ({found.n_recipes}): chosen inside "
        f"**{_figure_text(found.chosen_inside)}**, best of all {_figure_text(found.best_of_all)} "
        f"({escape(found.best_of_all_name)})."
        for found in nested.overall
    ]


def _figure_text(figure: Figure | None) -> str:
    return DASH if figure is None else with_interval(figure.value, figure.interval)


def _least_and_mean(values: Sequence[Figure | None]) -> list[str]:
    known = [figure.value for figure in values if figure is not None]
    return [number(min(known)), number(float(np.mean(known)))]


def _title(regime: str, domain: str, joint: str) -> str:
    return f"{escape(joint)}, in {escape(domain)}" if regime == joint else f"{escape(domain)} alone"


def _choices(figure: NestedFigure) -> str:
    told = "; ".join(f"fold {escape(fold)}: {escape(name)}" for fold, name in figure.choices.items())
    where = figure.domain if figure.domain == figure.regime else f"{figure.regime}, in {figure.domain}"
    return f"- {escape(where)} ({figure.n_recipes} recipes): {told}"
