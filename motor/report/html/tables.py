"""Tables as data, for a template to render: every text is plain and is escaped there. And the table of all cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from motor.evaluation.cells import NO_VALUE, CellResult, varying_axes
from motor.evaluation.decisions import decide
from motor.evaluation.forecasting import forecast_errors
from motor.evaluation.ranking import Recipe
from motor.report.alarms import is_too_good
from motor.report.findings import Findings
from motor.report.html.words import Words
from motor.report.markdown import DASH, number, percent, signed_with_interval, with_interval

TOO_GOOD = "†"  # beside figures that are too good, as in `result.md`


@dataclass(frozen=True)
class Value:
    """What stands in one place of a table.

    Attributes
    ----------
    text : str
        What is shown.
    order : float or str, optional
        What it is sorted by; None: by its text, and what is undefined comes last.
    href : str, optional
        Where it leads.
    share : float, optional
        Of its row, 0 to 1: shades the place.
    is_strong : bool
        Whether it stands out.
    """

    text: str
    order: float | str | None = None
    href: str | None = None
    share: float | None = None
    is_strong: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its heading, whether it holds numbers, and what the heading means."""

    title: str
    is_number: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Row:
    """A row; `name` is the cell of the grid that it shows, `axes` what filters look at."""

    values: Sequence[Value]
    name: str = ""
    axes: Mapping[str, str] = field(default_factory=dict)
    is_advised: bool = False


@dataclass(frozen=True)
class Table:
    """A table with its caption; the first value of each row is its heading."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Filter:
    """A choice among the values of one axis."""

    axis: str
    title: str
    values: Sequence[str]


def plain_table(caption: str, titles: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> Table | None:
    """Return a table of texts, the first `left` columns words and the rest numbers; None without rows."""
    made = [Row([item if isinstance(item, Value) else Value(str(item)) for item in row]) for row in rows]
    columns = [Column(title, place >= left) for place, title in enumerate(titles)]
    return Table(caption, columns, made) if made else None


def named(said: Words, kind: str, name: str) -> str:
    """Return what the catalogue calls an axis, a setting or a fact; a name that it does not know stays as it is."""
    key = f"{kind}_" + "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
    return said.say(key) if said.has(key) else name


def axis_value(axes: Mapping[str, Any], name: str) -> str:
    """Return one coordinate as text; a dash where the axis means nothing for the method."""
    value = axes.get(name)
    return NO_VALUE if value is None else str(value)


def cell_name(axes: Mapping[str, Any]) -> str:
    """Return a cell's name: its coordinates joined, as the planner joins them."""
    return "/".join("-" if value is None else str(value) for value in axes.values())


def cell_link(name: str) -> str:
    """Return the link that chooses a cell on this page."""
    from urllib.parse import quote

    return f"#cell={quote(name, safe='')}"


def duration(seconds: float, said: Words) -> str:
    """Return a duration: 8.2 s, 45 s, 12 min, 3.5 h; a dash where none was measured."""
    if not seconds or not math.isfinite(seconds):
        return DASH
    for limit, unit, size in ((120.0, "seconds", 1.0), (7200.0, "minutes", 60.0)):
        if seconds < limit:
            length = seconds / size
            return said.say(f"duration_{unit}", value=f"{length:.2g}" if length < 100 else f"{length:.0f}")
    return said.say("duration_hours", value=f"{seconds / 3600:.1f}")


def advised_cells(findings: Findings) -> list[int]:
    """Return the places of the cells that the advised recipe consists of; [] where no recipe could be ranked."""
    if findings.ranking is None:
        return []
    return cells_of(decide(findings.ranking, findings.context).recipe)


def cells_of(recipe: Recipe) -> list[int]:
    """Return the places of a recipe's cells."""
    return sorted({index for index, _ in recipe.slices})


def cells_table(findings: Findings, said: Words) -> Table:
    """Return one row a cell, best first: coordinates, metrics with intervals, forecast error, training, compute."""
    axes = varying_axes(findings.cells)
    advised = set(advised_cells(findings))
    gain_of = {index: findings.gains.get(id(row)) for row in findings.rows for index in row.indices}
    rows = [
        _cell_row(cell, axes, gain_of.get(index), index in advised, said) for index, cell in enumerate(findings.cells)
    ]
    ordered = sorted(rows, key=lambda row: (not row.is_advised, -_order_of(row, len(axes))))
    return Table(said.say("cells_caption", n=len(rows)), _cell_columns(axes, findings, said), ordered)


def cell_filters(findings: Findings, said: Words) -> list[Filter]:
    """Return a filter for each axis that has several values."""
    return [
        Filter(axis, named(said, "axis", axis), values)
        for axis in varying_axes(findings.cells)
        if len(values := list(dict.fromkeys(axis_value(cell.axes, axis) for cell in findings.cells))) > 1
    ]


def _cell_columns(axes: Sequence[str], findings: Findings, said: Words) -> list[Column]:
    metrics = [
        Column(said.say(f"column_{key}"), True, said.say(f"hint_{key}"))
        for key in ("macro_f1", "auc_faulty", "false_alarms", "faults_caught")
    ]
    errors = [
        Column(said.say("column_forecast_error", of=name), True, said.say("hint_forecast_error"))
        for name in (findings.context.normal, said.say("faulty"))
    ]
    last = [Column(said.say(f"column_{key}"), True, said.say(f"hint_{key}")) for key in ("training_added", "compute")]
    return [*(Column(named(said, "axis", axis)) for axis in axes), *metrics, *errors, *last]


def _cell_row(cell: CellResult, axes: Sequence[str], gain: Any, is_advised: bool, said: Words) -> Row:
    metrics, name = cell.metrics, cell_name(cell.axes)
    values = [axis_value(cell.axes, axis) for axis in axes]
    coordinates = [Value(value, _number_or_text(value)) for value in values]
    coordinates[0] = Value(values[0], _number_or_text(values[0]), cell_link(name))
    added = gain.difference if gain else None
    shown = [
        _with_interval(metrics, "macro_f1"),
        _with_interval(metrics, "roc_auc_faulty"),
        *(Value(percent(metrics[rate]), _order(metrics[rate])) for rate in ("false_alarm_rate", "detection_rate")),
        *(Value(number(error), _order(error)) for error in forecast_errors(cell, str(metrics["normal"]))),
        Value(DASH) if added is None else Value(signed_with_interval(added.value, added.interval), added.value),
        Value(duration(cell.seconds, said), _order(cell.seconds or None)),
    ]
    return Row([*coordinates, *shown], name, dict(zip(axes, values, strict=True)), is_advised)


def _with_interval(metrics: Mapping[str, Any], name: str) -> Value:
    value = metrics[name]
    text = with_interval(value, metrics.get(f"{name}_interval"))
    return Value(f"{text} {TOO_GOOD}" if is_too_good(value) else text, _order(value))


def interval_text(value: float | None, interval: Sequence[float] | None, is_percent: bool = False) -> str:
    """Return a metric with its interval."""
    if not is_percent:
        return with_interval(value, interval)
    return percent(value) if interval is None else f"{percent(value)} [{percent(interval[0])}, {percent(interval[1])}]"


def _order(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def _order_of(row: Row, place: int) -> float:
    order = row.values[place].order
    return float(order) if isinstance(order, float | int) else -1.0


def _number_or_text(value: str) -> float | str | None:
    try:
        return float(value)
    except ValueError:
        return None if value == NO_VALUE else value
