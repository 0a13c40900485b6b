"""Every method beside every other, regime by regime: the table that a reader compares with other papers."""

from __future__ import annotations

from collections.abc import Mapping

from motor.evaluation.cells import NO_VALUE, ReportContext, axes_text, cell_key, varying_axes
from motor.evaluation.nested import ALL, Nested
from motor.evaluation.repeats import (
    Repeats,
    best_by_method_and_domain,
    mean_of,
    slice_interval,
    slice_scores_R,
)
from motor.evaluation.scores import Scores
from motor.report.alarms import marked
from motor.report.markdown import DASH, escape, number, signed, table, with_interval

Column = tuple[str, str]  # the regime (the axis `domain`), and the domain it is judged in


def regime_columns(rows: list[Repeats], scores: Scores, joint: str) -> list[Column]:
    """Return the columns: each domain alone, then Joint judged in each domain; only those that a row has."""
    columns = [(domain, domain) for domain in scores.domains] + [(joint, domain) for domain in scores.domains]
    regimes = {str(row.axes["domain"]) for row in rows}
    return [column for column in columns if column[0] in regimes]


def baseline_table(rows: list[Repeats], scores: Scores, context: ReportContext) -> str:
    """Return macro-F1 of each method's best recipe in each column, with interval, best method first.

    The best is chosen column by column, on the motors that judge it.
    """
    columns = regime_columns(rows, scores, context.joint)
    shown = _other_axes(rows)
    told = []
    for method in dict.fromkeys(str(row.axes["method"]) for row in rows):
        of_method = [row for row in rows if str(row.axes["method"]) == method]
        values = [_best_in(of_method, scores, column) for column in columns]
        mean = mean_of(None if value is None else value[1] for value in values)
        least = min((value[1] for value in values if value is not None), default=None)
        texts = [_best_text(value, scores, column, shown) for value, column in zip(values, columns, strict=True)]
        told.append((mean or 0.0, [escape(method), *texts, number(least)]))
    told.sort(key=lambda row: -row[0])
    return table(["method", *_titles(columns, context), "least"], [row for _, row in told])


def chosen_inside_table(
    nested: Mapping[str, Nested], rows: list[Repeats], scores: Scores, context: ReportContext
) -> str:
    """Return macro-F1 of each method in each column, its recipe chosen inside the training folds; "" without any."""
    columns = regime_columns(rows, scores, context.joint)
    told = []
    for method, found in nested.items():
        figures = {(figure.regime, figure.domain): figure.chosen_inside for figure in found.of(ALL)}
        values = [figures.get(column) for column in columns]
        known = [value.value for value in values if value is not None]
        if known:
            texts = [
                DASH if value is None else marked(with_interval(value.value, value.interval), value.value)
                for value in values
            ]
            told.append((mean_of(known) or 0.0, [escape(method), *texts, number(min(known)), number(mean_of(known))]))
    told.sort(key=lambda row: -row[0])
    headers = ["method", *_titles(columns, context), "least", "mean"]
    return table(headers, [row for _, row in told]) if told else ""


def recipe_rows(rows: list[Repeats], scores: Scores, context: ReportContext) -> list[list[str]]:
    """Return one row a recipe (every axis but domain and seed), best first: its macro-F1 in each column."""
    columns = regime_columns(rows, scores, context.joint)
    recipes: dict[object, list[Repeats]] = {}
    for row in rows:
        recipes.setdefault(cell_key(row.axes, "domain"), []).append(row)
    names = ["method", *_other_axes(rows)]
    told = []
    for parts in recipes.values():
        values = [_best_in(parts, scores, column) for column in columns]
        known = [value[1] for value in values if value is not None]
        texts = [_best_text(value, scores, column, []) for value, column in zip(values, columns, strict=True)]
        axes = [escape(_axis_value(parts[0], name)) for name in names]
        told.append((mean_of(known) or 0.0, [*axes, *texts, number(min(known, default=None)), number(mean_of(known))]))
    return [row for _, row in sorted(told, key=lambda row: -row[0])]


def recipe_table(rows: list[Repeats], told: list[list[str]], scores: Scores, context: ReportContext) -> str:
    """Return the table of `recipe_rows`, or of some of them."""
    names = ["method", *_other_axes(rows)]
    titles = _titles(regime_columns(rows, scores, context.joint), context)
    return table([*map(_axis_title, names), *titles, "least", "mean"], told, left=len(names))


def seeds_table(rows: list[Repeats]) -> str:
    """Return macro-F1 of each row by seed, with mean and standard deviation; "" where every row has one seed."""
    several = [row for row in rows if len(row.cells) > 1]
    if not several:
        return ""
    seeds = sorted(
        {cell.axes.get("seed") for row in several for cell in row.cells}, key=lambda seed: str(seed).zfill(12)
    )
    axes = ["method", "domain", *_other_axes(rows)]
    told = []
    for row in several:
        by_seed = {cell.axes.get("seed"): cell.metrics["macro_f1"] for cell in row.cells}
        values = [number(by_seed.get(seed)) for seed in seeds]
        told.append([*(escape(_axis_value(row, name)) for name in axes), *values, *_mean_and_spread(row)])
    headers = [*map(_axis_title, axes), *(f"seed {escape(seed)}" for seed in seeds), "mean", "spread"]
    return table(headers, told, left=len(axes))


def leaky_pairs(rows: list[Repeats], context: ReportContext) -> list[tuple[Repeats, float]]:
    """Return the best clean row of each method and regime, with its macro-F1 under a split that leaks."""
    leaky = context.leaky or {}
    keyed = [(row, mean_of(leaky.get(cell_key(cell.axes)) for cell in row.cells)) for row in rows]
    known = {id(row): value for row, value in keyed if value is not None}
    return [(row, known[id(row)]) for row in best_by_method_and_domain([row for row in rows if id(row) in known])]


def leaky_table(rows: list[Repeats], context: ReportContext) -> str:
    """Return the best clean row of each method and regime beside the same under a split that leaks; "" if not asked."""
    shown = ["method", "domain", *_other_axes(rows)]
    told = [
        [
            *(escape(_axis_value(row, name)) for name in shown),
            marked(number(row.value), row.value),
            number(leaky),
            f"**{signed(leaky - row.value)}**",
        ]
        for row, leaky in leaky_pairs(rows, context)
    ]
    headers = [*map(_axis_title, shown), "clean: by motor", "leaky: by series", "what the leak adds"]
    return table(headers, told, left=len(shown)) if told else ""


def _best_in(rows: list[Repeats], scores: Scores, column: Column) -> tuple[Repeats, float] | None:
    """Return the row of this regime with the greatest macro-F1 in a domain; of equal ones the first."""
    regime, domain = column
    values = [
        (row, float(scores_R[0]))
        for row in rows
        if str(row.axes["domain"]) == regime and (scores_R := slice_scores_R(scores, row, domain)) is not None
    ]
    return max(values, key=lambda value: round(value[1], 12), default=None)


def _best_text(value: tuple[Repeats, float] | None, scores: Scores, column: Column, named: list[str]) -> str:
    if value is None:
        return DASH
    row, score = value
    scores_R = slice_scores_R(scores, row, column[1])
    interval = None if scores_R is None else slice_interval(scores, scores_R, column[1])
    name = escape(axes_text(row.axes, named))
    text = marked(with_interval(score, interval), score)
    return f"{text} ({name})" if name else text


def _titles(columns: list[Column], context: ReportContext) -> list[str]:
    return [
        f"{escape(context.joint)}, in {escape(domain)}" if regime == context.joint else f"{escape(domain)} alone"
        for regime, domain in columns
    ]


def _other_axes(rows: list[Repeats]) -> list[str]:
    cells = [cell for row in rows for cell in row.cells]
    return [name for name in varying_axes(cells) if name not in ("method", "domain", "seed")]


def _axis_value(row: Repeats, name: str) -> str | int:
    value = row.axes.get(name)
    return NO_VALUE if value is None else value


def _axis_title(name: str) -> str:
    return {"context_length": "context", "prediction_length": "horizon", "patch_length": "patch"}.get(name, name)


def _mean_and_spread(row: Repeats) -> list[str]:
    return [number(row.value), DASH if row.spread is None else f"± {number(row.spread)}"]
