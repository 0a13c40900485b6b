"""All cells: a picture of each regime, and one row a cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from motor.evaluation.cells import CellResult, varying_axes
from motor.evaluation.forecasting import Gain, forecast_errors
from motor.evaluation.repeats import best_by_method_and_domain
from motor.report.document import (
    Block,
    Column,
    Columns,
    Filter,
    Folded,
    Pairs,
    Paragraph,
    Row,
    Table,
    Target,
    Value,
    plain_table,
)
from motor.report.findings import Findings, advised_cells, cell_name
from motor.report.findings.recipes import best_first
from motor.report.sections.base import Section
from motor.report.sections.overview import regime_figures
from motor.report.text import DASH, TOO_GOOD, number
from motor.report.wording import Wording, axis_value, ordered, rate, score

HINTED = ("score", "auc_faulty", "false_alarms", "faults_caught", "training_added", "compute")


class Cells(Section):
    kind: Literal["cells"] = "cells"
    PLACE = 70.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        if not findings.everything:
            return []
        table = cells_table(wording)
        meanings = [(column.title, column.hint) for column in table.columns if column.hint]
        pictures: list[Block] = [
            Paragraph(wording.say("pictures"), "small"),
            Columns([[figure] for figure in regime_figures(wording)]),
        ]
        return [
            *(pictures if findings.cells else ()),
            Paragraph(wording.say("lead", mark=TOO_GOOD.strip()), "small"),
            table,
            Folded(wording.say("columns_mean"), [Pairs(meanings)]),
            *_files(wording),
        ]


def cells_table(wording: Wording) -> Table:
    """Return one row a cell, the advised first, then best first: coordinates, metrics, forecast error, training."""
    findings = wording.findings
    axes, advised = varying_axes(findings.everything), set(advised_cells(findings))
    gain_of = {index: findings.gains.get(id(row)) for row in findings.rows for index in row.indices}
    order = sorted(best_first(findings), key=lambda place: place not in advised)
    rows = [_row(wording, index, axes, gain_of.get(index), index in advised) for index in order]
    filters = [
        Filter(axis, wording.heading(axis), values)
        for axis in axes
        if len(values := list(dict.fromkeys(axis_value(cell.axes, axis) for cell in findings.everything))) > 1
    ]
    caption = wording.say("cells", n=len(rows))
    return Table(caption, _columns(wording, axes), rows, "cells", filters, "cells.csv")


def _columns(wording: Wording, axes: Sequence[str]) -> list[Column]:
    def column(key: str) -> Column:
        return Column(wording.say(f"column.{key}"), True, wording.say(f"hint.{key}") if key in HINTED else "")

    context = wording.findings.context
    errors = [
        Column(wording.say("column.forecast_error", of=name), True, wording.say("hint.forecast_error"))
        for name in (context.normal or DASH, wording.say("faulty"))
    ]
    return [
        *(Column(wording.heading(axis)) for axis in axes),
        column("score"),
        column("accuracy"),
        *(Column(wording.say("column.f1_of", label=name), True) for name in context.classes),
        *map(column, ("auc_faulty", "false_alarms", "faults_caught")),
        *errors,
        *map(column, ("control_score", "training_added", "compute")),
    ]


def _row(wording: Wording, index: int, axes: Sequence[str], gain: Gain | None, is_advised: bool) -> Row:
    cell = wording.findings.everything[index]
    metrics, kind = cell.metrics, wording.rank_by.kind
    values = [axis_value(cell.axes, axis) for axis in axes]
    first, *rest = (Value(value, _number_or_text(value)) for value in values)
    added = gain.difference if gain else None
    shown = [
        wording.score(metrics.get(kind), metrics.get(f"{kind}_interval")),
        score(metrics.get("accuracy")),
        *(Value(number(f1), ordered(f1)) for f1 in map(metrics.get("f1", {}).get, wording.findings.context.classes)),
        score(metrics.get("roc_auc_faulty"), metrics.get("roc_auc_faulty_interval")),
        rate(metrics.get("false_alarm_rate")),
        rate(metrics.get("detection_rate")),
        *(Value(number(error), ordered(error)) for error in forecast_errors(cell, str(metrics["normal"]))),
        Value(DASH) if gain is None else Value(number(gain.controls[0].value), gain.controls[0].value),
        Value(DASH) if added is None else Value(wording.gap(added), added.value),
        Value(wording.duration(cell.seconds), ordered(cell.seconds or None)),
    ]
    head = Value(first.text, first.order, wording.cell_target(index))
    return Row([head, *rest, *shown], cell_name(cell.axes), dict(zip(axes, values, strict=True)), is_advised)


def _files(wording: Wording) -> list[Block]:
    """Link the figures of the best cell of each method and domain."""
    best = [row for row in best_by_method_and_domain(wording.findings.rows) if row.first.figures]
    names = list(dict.fromkeys(_stem(figure) for row in best for figure in row.first.figures))
    rows = []
    for row in best:
        links = {_stem(figure): figure for figure in row.first.figures}
        places = [_picture(wording, row.first, links.get(name)) for name in names]
        rows.append([str(row.axes["method"]), wording.regime(str(row.axes["domain"])), number(row.value), *places])
    titles = [wording.say("heading.method"), wording.say("heading.domain"), wording.say("column.mean_score"), *names]
    return plain_table(wording.say("files"), titles, rows, 2)


def _picture(wording: Wording, cell: CellResult, figure: str | None) -> Value:
    return Value(DASH) if figure is None else Value(wording.say("look"), target=Target.file(f"{cell.folder}/{figure}"))


def _stem(figure: str) -> str:
    return Path(figure).stem.replace("_", " ")


def _number_or_text(value: str) -> float | str | None:
    try:
        return float(value)
    except ValueError:
        return None if value == DASH else value


PLUGIN = Cells
