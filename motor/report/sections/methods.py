"""Every method beside every other, regime by regime, and what a recipe is worth that was chosen inside the folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from motor.evaluation.cells import varying_axes
from motor.evaluation.nested import ALL, FAMILIES, Figure, NestedFigure
from motor.report.document import Block, Heading, Paragraph, Points, Value, plain_table
from motor.report.findings import Column, Findings
from motor.report.findings.baselines import (
    Best,
    best_of_methods,
    inside_by_method,
    least_and_mean,
    recipes_by_column,
    regime_columns,
)
from motor.report.sections.base import Section
from motor.report.text import DASH, number
from motor.report.wording import Wording, axis_value

FIGURES = ("chosen_inside", "best_of_all", "vote_of_all", "vote_within_reach")


class Methods(Section):
    kind: Literal["methods"] = "methods"
    PLACE = 50.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        columns = regime_columns(findings.rows, findings.scores, findings.context.joint)
        meanings = list(findings.context.descriptions.items())
        return [
            *plain_table(wording.say("meanings"), wording.titles("name", "value"), meanings, 2, style="facts"),
            *_inside(wording, columns),
            *_best(wording, columns),
            *_recipes(wording, columns),
            Heading(wording.say("nested")),
            *_nested(wording, columns),
        ]


def _inside(wording: Wording, columns: Sequence[Column]) -> list[Block]:
    values_by_method = inside_by_method(wording.findings.nested_by_method, columns)
    shown = _score(wording)
    rows = [[method, *map(shown, values), *map(number, least_and_mean(values))] for method, values in values_by_method]
    return plain_table(wording.say("inside"), [*_titles(wording, columns), *wording.titles("least", "mean")], rows)


def _best(wording: Wording, columns: Sequence[Column]) -> list[Block]:
    """Return each method by its best recipe of each column, which flatters."""
    shown = _other_axes(wording)
    rows = []
    for method, values in best_of_methods(wording.findings.rows, wording.findings.scores, columns):
        least, _ = least_and_mean([value and value[1] for value in values])
        rows.append([method, *(_best_text(wording, value, shown) for value in values), number(least)])
    titles = [*_titles(wording, columns), wording.say("column.least")]
    return plain_table(wording.say("best_in_column"), titles, rows)


def _best_text(wording: Wording, value: Best | None, shown: Sequence[str]) -> Value:
    if value is None:
        return Value(DASH)
    name = wording.axes(value[0].axes, shown)
    return wording.score(value[1].value, value[1].interval, f" ({name})" if name else "")


def _recipes(wording: Wording, columns: Sequence[Column]) -> list[Block]:
    names, shown = ["method", *_other_axes(wording)], _score(wording)
    rows = [
        [*(axis_value(axes, name) for name in names), *map(shown, values), *map(number, least_and_mean(values))]
        for axes, values in recipes_by_column(wording.findings.rows, wording.findings.scores, columns)
    ]
    titles = [*(wording.heading(name) for name in names), *map(wording.column, columns)]
    caption = wording.say("recipes", n=len(rows))
    titles += wording.titles("least", "mean")
    return plain_table(caption, titles, rows, len(names), elsewhere="cells.csv")


def _nested(wording: Wording, columns: Sequence[Column]) -> list[Block]:
    """Say how the choice is made, what it reaches, and what each fold chose."""
    found = wording.findings.nested
    if not found.figures:
        return [Paragraph(wording.say("nested.none"))]
    texts = []
    for one in found.overall:
        best = one.best_of_all_name if one.best is None else wording.chosen(one.best)
        values = {"inside": wording.figure(one.chosen_inside), "best": wording.figure(one.best_of_all)}
        family = wording.say(f"family.{one.family}")
        texts.append(wording.say("nested.overall", family=family, n=one.n_recipes, recipe=best, **values))
    texts += [_choices(wording, figure) for figure in found.of(ALL)]
    if found.idle:
        idle = Counter(str(axes["method"]) for axes in found.idle)
        counted = [wording.say("nested.idle", method=method, n=count) for method, count in idle.items()]
        texts.append(wording.say("nested.without", recipes=wording.listed(counted, 6)))
    tables = [*_nested_table(wording), *_choices_table(wording)]
    return [Paragraph(wording.say("nested.how"), "small"), Points(texts), *tables]


def _nested_table(wording: Wording) -> list[Block]:
    """Return what a chosen recipe is worth: a row a family and figure, a column a regime and domain."""
    nested, shown = wording.findings.nested, _score(wording)
    columns = list(dict.fromkeys((figure.regime, figure.domain) for figure in nested.figures))
    rows: list[list[object]] = []
    for family in FAMILIES:
        known = {(figure.regime, figure.domain): figure for figure in nested.of(family)}
        for kind in FIGURES if known else ():
            values: list[Figure | None] = [
                getattr(known[column], kind) if column in known else None for column in columns
            ]
            whole = getattr(nested.overall_of(family), kind, None)
            title = wording.say(
                "nested_row", family=wording.say(f"family.{family}"), figure=wording.say(f"nested.{kind}")
            )
            rows.append([title, *map(shown, values), *map(number, least_and_mean(values)), shown(whole)])
    titles = [wording.say("column.selection"), *map(wording.column, columns)]
    titles += wording.titles("least", "mean", "over_all")
    return plain_table(wording.say("nested_caption"), titles, rows)


def _choices_table(wording: Wording) -> list[Block]:
    """Return the recipe that each fold chose among all."""
    rows = [
        [wording.place(figure), fold, wording.without_regime(figure.chosen[fold].axes) if figure.chosen else name]
        for figure in wording.findings.nested.of(ALL)
        for fold, name in figure.choices.items()
    ]
    return plain_table(wording.say("choices"), wording.titles("trained_and_judged", "fold", "recipe"), rows, 3)


def _choices(wording: Wording, figure: NestedFigure) -> str:
    """Say which recipes the folds of a column chose, the most frequent first."""
    names = [wording.without_regime(one.axes) for one in figure.chosen.values()] or list(figure.choices.values())
    texts = [wording.say("nested.choice", recipe=name, n=count) for name, count in Counter(names).most_common()]
    counts = {"n": figure.n_recipes, "n_folds": len(figure.choices)}
    return wording.say("nested.choices", place=wording.place(figure), choices=wording.listed(texts, 6), **counts)


def _titles(wording: Wording, columns: Sequence[Column]) -> list[str]:
    return [wording.say("heading.method"), *map(wording.column, columns)]


def _other_axes(wording: Wording) -> list[str]:
    return [name for name in varying_axes(wording.findings.cells) if name not in ("method", "domain", "seed")]


def _score(wording: Wording) -> Callable[[Figure | None], Value]:
    return lambda value: Value(DASH) if value is None else wording.score(value.value, value.interval)


PLUGIN = Methods
