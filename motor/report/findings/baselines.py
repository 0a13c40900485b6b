"""Every method beside every other, regime by regime: the figures that a reader compares with other papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from motor.evaluation.cells import Axes, ReportContext, cell_key
from motor.evaluation.nested import ALL, Figure, Nested
from motor.evaluation.repeats import (
    Repeats,
    best_by_method_and_domain,
    mean_of,
    slice_interval,
    slice_scores_R,
)
from motor.evaluation.scores import Scores

Column = tuple[str, str]  # the regime (the axis `domain`), and the domain it is judged in
Best = tuple[Repeats, Figure]  # a recipe, and what it reaches


def regime_columns(rows: Sequence[Repeats], scores: Scores, joint: str) -> list[Column]:
    """Return the columns: each domain alone, then Joint judged in each domain; only those that a row has."""
    columns = [(domain, domain) for domain in scores.domains] + [(joint, domain) for domain in scores.domains]
    regimes = {str(row.axes["domain"]) for row in rows}
    return [column for column in columns if column[0] in regimes]


def best_of_methods(
    rows: Sequence[Repeats], scores: Scores, columns: Sequence[Column]
) -> list[tuple[str, list[Best | None]]]:
    """Return each method's best recipe in each column, best method first.

    The best is chosen column by column, on the motors that judge it, so every figure is flattered.
    """
    by_method: dict[str, list[Repeats]] = {}
    for row in rows:
        by_method.setdefault(str(row.axes["method"]), []).append(row)
    found = [(name, [_best_in(of_method, scores, one) for one in columns]) for name, of_method in by_method.items()]
    return sorted(found, key=lambda one: -_mean([value and value[1] for value in one[1]]))


def recipes_by_column(
    rows: Sequence[Repeats], scores: Scores, columns: Sequence[Column]
) -> list[tuple[Axes, list[Figure | None]]]:
    """Return every recipe (all axes but domain and seed) in each column, best first."""
    recipes: dict[object, list[Repeats]] = {}
    for row in rows:
        recipes.setdefault(cell_key(row.axes, "domain", "seed"), []).append(row)
    found = []
    for parts in recipes.values():
        values = [_best_in(parts, scores, column) for column in columns]
        found.append((parts[0].axes, [value and value[1] for value in values]))
    return sorted(found, key=lambda one: -_mean(one[1]))


def inside_by_method(nested: Mapping[str, Nested], columns: Sequence[Column]) -> list[tuple[str, list[Figure | None]]]:
    """Return each method in each column, its recipe chosen inside the training folds, best first."""
    found = []
    for method, one in nested.items():
        figures = {(figure.regime, figure.domain): figure.chosen_inside for figure in one.of(ALL)}
        values = [figures.get(column) for column in columns]
        if any(value is not None for value in values):
            found.append((method, values))
    return sorted(found, key=lambda one: -_mean(one[1]))


def least_and_mean(values: Sequence[Figure | None]) -> tuple[float | None, float | None]:
    """Return the least of some figures, and their mean."""
    known = [value.value for value in values if value is not None]
    return min(known, default=None), mean_of(known)


def leaky_pairs(rows: Sequence[Repeats], context: ReportContext) -> list[tuple[Repeats, float]]:
    """Return the best clean row of each method and regime, with its score under a split that leaks."""
    leaky = context.leaky or {}
    keyed = [(row, mean_of(leaky.get(cell_key(cell.axes)) for cell in row.cells)) for row in rows]
    known = {id(row): value for row, value in keyed if value is not None}
    return [(row, known[id(row)]) for row in best_by_method_and_domain([row for row in rows if id(row) in known])]


def _best_in(rows: Sequence[Repeats], scores: Scores, column: Column) -> Best | None:
    """Return the row of this regime with the greatest score in a domain; of equal ones the first."""
    regime, domain = column
    known = [
        (row, scores_R)
        for row in rows
        if str(row.axes["domain"]) == regime and (scores_R := slice_scores_R(scores, row, domain)) is not None
    ]
    if not known:
        return None
    row, scores_R = max(known, key=lambda one: round(scores.rank_by.sign * float(one[1][0]), 12))
    return row, Figure(float(scores_R[0]), slice_interval(scores, scores_R, domain))


def _mean(values: Sequence[Figure | None]) -> float:
    return least_and_mean(values)[1] or 0.0
