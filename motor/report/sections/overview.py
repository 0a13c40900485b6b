"""Pictures of scores with intervals: every method, and every cell of a regime."""

from __future__ import annotations

import math
from collections.abc import Sequence

from motor.evaluation.cells import PLAIN, CellResult, varying_axes
from motor.evaluation.nested import Figure as Score
from motor.report.document import Dot, DotRow, Figure, Group, Intervals, Line
from motor.report.findings import Column, advised_cells
from motor.report.findings.baselines import best_of_methods, inside_by_method, regime_columns
from motor.report.findings.recipes import advised_recipe, best_first, no_skill
from motor.report.text import number, with_interval
from motor.report.wording import Wording, axis_value

MOST_METHODS = 14
MOST_COLUMNS = 4
MOST_ROWS = 48
ONE_COLOUR = -1  # ink: the symbol alone tells


def methods_figure(wording: Wording) -> tuple[Intervals, bool]:
    """Return each method's score in each regime and domain, and whether its recipe was chosen inside the folds.

    Without predictions of held-out motors it is the best recipe of each column, which flatters.
    """
    findings = wording.findings
    columns = _shown_columns(wording)
    values_by_method = inside_by_method(findings.nested_by_method, columns)
    is_inside = bool(values_by_method)
    if not values_by_method:
        best = best_of_methods(findings.rows, findings.scores, columns)
        values_by_method = [(method, [value and value[1] for value in values]) for method, values in best]
    advised = advised_recipe(findings)
    rows = [
        DotRow(
            method,
            [dot for place, value in enumerate(values) for dot in _dots(wording, method, columns, place, value)],
            advised is not None and advised.method == method,
        )
        for method, values in values_by_method[:MOST_METHODS]
    ]
    groups = [Group("", colour, symbol) for colour in (0, 1) for symbol in range(len(columns))]
    families = {_is_plain(wording, method) for method, _ in values_by_method}
    shown = [Group(wording.say("plain"), 0)] * (True in families) + [Group(wording.say("forecasters"), 1)] * (
        False in families
    )
    symbols = [Group(wording.column(column), ONE_COLOUR, place) for place, column in enumerate(columns)]
    return Intervals(rows, groups, wording.metric, _span(wording, rows), _lines(wording), [*shown, *symbols]), is_inside


def regime_figures(wording: Wording) -> list[Figure]:
    """Return the score of every cell with its interval: a figure a regime, a row a recipe, a group a classifier.

    Of more than 48 rows the best are drawn; all stand in the table.
    """
    cells = wording.findings.cells
    axes = [name for name in varying_axes(cells) if name not in ("domain", "classifier", "seed")]
    n_cells = len(cells)
    ordered = [_row_name(cells[place], axes) for place in best_first(wording.findings) if place < n_cells]
    rows = list(dict.fromkeys(ordered))[:MOST_ROWS]
    regimes = dict.fromkeys(str(cell.axes["domain"]) for cell in cells)
    return [_regime(wording, place, regime, axes, rows) for place, regime in enumerate(regimes)]


def _regime(wording: Wording, place: int, regime: str, axes: Sequence[str], rows: Sequence[str]) -> Figure:
    cells = wording.findings.cells
    advised = set(advised_cells(wording.findings))
    marks = list(dict.fromkeys(axis_value(cell.axes, "classifier") for cell in cells))
    of_row: dict[str, list[int]] = {row: [] for row in rows}
    for index, cell in enumerate(cells):
        is_drawn = str(cell.axes["domain"]) == regime and cell.metrics.get(wording.rank_by.kind) is not None
        if is_drawn and (row := _row_name(cell, axes)) in of_row:
            of_row[row].append(index)
    drawn = [
        DotRow(row, [_cell_dot(wording, index, marks) for index in indices], bool(advised & set(indices)))
        for row, indices in of_row.items()
        if indices
    ]
    groups = [Group(mark, number_, number_) for number_, mark in enumerate(marks)]
    plot = Intervals(
        drawn, groups, wording.metric, _span(wording, drawn), _lines(wording), groups if len(marks) > 1 else ()
    )
    n_shown = sum(len(row.dots) for row in drawn)
    label = wording.say("regime_figure", regime=wording.regime(regime), n=n_shown)
    return Figure(f"cells-{place}", plot, label, is_aside=place > 2)


def _cell_dot(wording: Wording, index: int, marks: Sequence[str]) -> Dot:
    cell = wording.findings.cells[index]
    kind = wording.rank_by.kind
    value, interval = cell.metrics[kind], cell.metrics[f"{kind}_interval"]
    mark = axis_value(cell.axes, "classifier")
    text = f"{mark}: {with_interval(value, interval)}"
    return Dot(value, interval, text, marks.index(mark), wording.cell_target(index))


def _row_name(cell: CellResult, axes: Sequence[str]) -> str:
    return ", ".join(str(cell.axes[name]) for name in axes if cell.axes.get(name) is not None)


def _shown_columns(wording: Wording) -> list[Column]:
    """Return all columns where they are few, else those of the joint regime, else the first."""
    findings = wording.findings
    columns = regime_columns(findings.rows, findings.scores, findings.context.joint)
    if len(columns) > MOST_COLUMNS:
        columns = [one for one in columns if one[0] == findings.context.joint] or columns
    return columns[: 2 * MOST_COLUMNS]


def _dots(wording: Wording, method: str, columns: Sequence[Column], place: int, value: Score | None) -> list[Dot]:
    if value is None:
        return []
    group = place + (0 if _is_plain(wording, method) else len(columns))
    text = f"{method}, {wording.column(columns[place])}: {wording.figure(value)}"
    return [Dot(value.value, value.interval, text, group)]


def _span(wording: Wording, rows: Sequence[DotRow]) -> tuple[float, float]:
    """Return what the metric can be; where that has no end, what is drawn."""
    low, high = wording.rank_by.bounds
    drawn = [end for row in rows for dot in row.dots for end in (dot.interval or (dot.value, dot.value))] or [0.0]
    return low if math.isfinite(low) else min(drawn), high if math.isfinite(high) else max(drawn)


def _is_plain(wording: Wording, method: str) -> bool:
    return wording.findings.context.families.get(method, PLAIN) == PLAIN


def _lines(wording: Wording) -> list[Line]:
    """Return chance, averaged over the domains, and the goal where there is one."""
    scores, goal = wording.findings.scores, wording.findings.context.goal
    chance = no_skill(scores)
    lines = [Line(chance, wording.say("chance_line", value=number(chance)))] if chance is not None else []
    return lines if goal is None else [*lines, Line(goal, wording.say("goal_line", value=f"{goal:g}"), False)]
