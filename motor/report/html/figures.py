"""Figures over the whole grid as Plotly has them, in plain dicts: a colour is a name that the page's theme resolves.

Every figure is {data, layout, height, label}; `label` says what it shows to a reader who cannot see it. Texts that
come from data pass through `plain`: Plotly takes some tags in texts for markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motor.evaluation.cells import CellResult, varying_axes
from motor.evaluation.comparisons import Difference
from motor.report.advice import Advice
from motor.report.findings import Findings
from motor.report.html.tables import axis_value, cell_name, named
from motor.report.html.words import Words
from motor.report.markdown import with_interval

Plot = dict[str, Any]

MOST_ROWS = 48
N_COLOURS = 8
MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")
DASHES = ("dash", "dashdot", "dot", "longdash")
INK, FAINT, ACCENT = "var:ink", "var:faint", "var:accent"


def colour(place: int) -> str:
    """Return the name of a colour: a custom property of the page's style, which knows the theme."""
    return f"var:c{place % N_COLOURS}"


def plain(text: object) -> str:
    """Return foreign text so that Plotly shows it as it is: it knows a few tags and entities."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def axis(title: str, **settings: Any) -> dict[str, Any]:
    """Return an axis with its title."""
    return {"title": {"text": title}, "automargin": True, **settings}


def plot(data: Sequence[Plot], layout: Plot, label: str, height: int = 340) -> Plot:
    """Return a figure."""
    return {"data": list(data), "layout": {"height": height, **layout}, "label": label, "height": height}


def rounded(values: Sequence[float | None] | Any, digits: int = 4) -> list[float | None]:
    """Return numbers with so many significant digits: no eye sees more, and the page is small."""
    return [None if value is None else float(f"{value:.{digits}g}") for value in values]


def vertical_line(x: float, is_dotted: bool = False) -> Plot:
    """Return a line over the height of a figure."""
    line = {"color": FAINT, "width": 1.5, "dash": "dot" if is_dotted else "solid"}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": line}


def overview(findings: Findings, said: Words) -> dict[str, Plot]:
    """Return macro-F1 of every cell with its interval: a figure a domain regime, a row a recipe, a mark a classifier.

    Of more than 48 rows the best are drawn; all stand in the table.
    """
    cells = findings.cells
    row_axes = [name for name in varying_axes(cells) if name not in ("domain", "classifier", "seed")]
    marks = list(dict.fromkeys(axis_value(cell.axes, "classifier") for cell in cells))
    rows = _best_rows(cells, row_axes)
    return {
        str(domain): _regime(
            domain, [cell for cell in cells if cell.axes["domain"] == domain], rows, marks, row_axes, said
        )
        for domain in dict.fromkeys(cell.axes["domain"] for cell in cells)
    }


def _best_rows(cells: Sequence[CellResult], axes: Sequence[str]) -> list[str]:
    """Return the rows, best first."""
    best: dict[str, float] = {}
    for cell in cells:
        row = _row(cell, axes)
        best[row] = max(best.get(row, 0.0), cell.metrics["macro_f1"] or 0.0)
    return sorted(best, key=lambda row: -best[row])[:MOST_ROWS]


def _row(cell: CellResult, axes: Sequence[str]) -> str:
    return ", ".join(str(cell.axes[name]) for name in axes if cell.axes.get(name) is not None)


def _regime(
    domain: object,
    cells: Sequence[CellResult],
    rows: Sequence[str],
    marks: Sequence[str],
    row_axes: Sequence[str],
    said: Words,
) -> Plot:
    place_of = {
        row: place for place, row in enumerate(row for row in rows if any(_row(c, row_axes) == row for c in cells))
    }
    shown = [cell for cell in cells if _row(cell, row_axes) in place_of]
    data = []
    for number, mark in enumerate(marks):
        of_mark = [cell for cell in shown if axis_value(cell.axes, "classifier") == mark]
        shift = 0.15 + (number - (len(marks) - 1) / 2) * 0.6 / len(marks)
        if of_mark:
            data.append(_dots(of_mark, [place_of[_row(cell, row_axes)] + shift for cell in of_mark], mark, number))
    chance = max((cell.metrics["chance"]["uniform"] for cell in cells), default=0.0)
    layout = {
        "xaxis": axis(said.say("plot_macro_f1"), range=[0, 1.03]),
        "yaxis": {
            "range": [len(place_of) - 0.4, -0.8],
            "showticklabels": False,
            "showgrid": False,
            "zeroline": False,
            "ticks": "",
        },
        "annotations": [_row_title(row, place) for row, place in place_of.items()],
        "shapes": [vertical_line(round(chance, 4), is_dotted=True)],
        "title": {"text": said.say("plot_trained_on", domain=plain(domain))},
        "showlegend": len(marks) > 1,
        "hovermode": "closest",
    }
    label = said.say("plot_overview", domain=domain, n=len(shown))
    return plot(data, layout, label, round(170 + 8 * len(marks) + len(place_of) * (28 + 6 * len(marks))))


def _row_title(row: str, place: int) -> Plot:
    """Return the name of a row, above its dots: beside them it would leave no room for them on a phone."""
    return {
        "text": plain(row),
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": place - 0.35,
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 12},
    }


def _dots(cells: Sequence[CellResult], places: Sequence[float], mark: str, number: int) -> Plot:
    values = [cell.metrics["macro_f1"] for cell in cells]
    intervals = [cell.metrics["macro_f1_interval"] or (value, value) for cell, value in zip(cells, values, strict=True)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(mark),
        "x": rounded(values),
        "y": rounded(places),
        "error_x": _bars(values, intervals),
        "marker": {"color": colour(number), "symbol": MARKERS[number % len(MARKERS)], "size": 8},
        "customdata": [cell_name(cell.axes) for cell in cells],
        "text": [
            plain(f"{cell_name(cell.axes)}: {with_interval(value, cell.metrics['macro_f1_interval'])}")
            for cell, value in zip(cells, values, strict=True)
        ],
        "hoverinfo": "text",
    }


def _bars(values: Sequence[float], intervals: Sequence[Sequence[float]]) -> Plot:
    return {
        "type": "data",
        "symmetric": False,
        "array": rounded([max(high - value, 0.0) for value, (_, high) in zip(values, intervals, strict=True)]),
        "arrayminus": rounded([max(value - low, 0.0) for value, (low, _) in zip(values, intervals, strict=True)]),
        "thickness": 1,
        "width": 0,
    }


def comparison(advice: Advice, question: str, said: Words) -> Plot:
    """Return what one answer rests on: the levels of an axis, or differences."""
    return _differences(advice, question, said) if advice.levels is None else _levels(advice, question, said)


def _levels(advice: Advice, question: str, said: Words) -> Plot:
    """Draw the mean of each level; its bar is the interval of its difference to the best, so that one that reaches
    the best's line cannot be told from it."""
    assert advice.levels is not None
    means, behind = advice.levels.means, advice.levels.behind
    best = means[advice.levels.best]
    ordered = sorted(means, key=lambda level: -means[level])
    intervals = [_around(best, behind.get(level), means[level]) for level in ordered]
    data = [_points([str(level) for level in ordered], [means[level] for level in ordered], intervals)]
    layout = _horizontal(said.say("plot_level_mean"), len(ordered), best)
    return plot(data, layout, said.say("plot_levels", question=question), 110 + 30 * len(ordered))


def _around(best: float, found: Difference | None, mean: float) -> tuple[float, float]:
    if found is None or found.interval is None:
        return mean, mean
    return best - found.interval[1], best - found.interval[0]


def _differences(advice: Advice, question: str, said: Words) -> Plot:
    differences = advice.differences
    names = [said.say("plot_over", first=first, second=second) for first, second in _sides(advice, said)]
    intervals = [found.interval or (found.value, found.value) for found in differences]
    data = [_points(names, [found.value for found in differences], intervals)]
    layout = _horizontal(said.say("plot_difference"), len(names), 0.0)
    return plot(data, layout, said.say("plot_differences", question=question), 110 + 30 * len(names))


def _sides(advice: Advice, said: Words) -> list[tuple[str, str]]:
    """Return what each difference compares, in the reader's language."""
    if advice.kind != "regime":
        return [(str(found.first), str(found.second)) for found in advice.differences]
    joint = advice.subject
    by_domain = [
        (said.say("joint_in", joint=joint, domain=domain), said.say("alone", domain=domain))
        for domain in advice.domains
    ]
    return [(joint, said.say("each_alone")), *by_domain]


def _points(names: Sequence[str], values: Sequence[float], intervals: Sequence[tuple[float, float]]) -> Plot:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": rounded(values),
        "y": [plain(name) for name in names],
        "error_x": {**_bars(values, intervals), "thickness": 2, "color": colour(0)},
        "marker": {"color": colour(0), "size": 10},
        "text": [plain(f"{name}: {value:.2f}") for name, value in zip(names, values, strict=True)],
        "hoverinfo": "text",
    }


def _horizontal(title: str, n_rows: int, line: float) -> Plot:
    return {
        "xaxis": axis(title, zeroline=False),
        "yaxis": {"autorange": "reversed", "automargin": True, "type": "category"},
        "shapes": [vertical_line(round(line, 4))],
        "showlegend": False,
    }


def spent_figure(spent: Mapping[str, Any], said: Words) -> Plot | None:
    """Return the hours of each kind of stage; None where none were measured."""
    rows = [row for row in spent.get("by_kind", []) if row.get("cpu_hours") or row.get("gpu_hours")]
    if not rows:
        return None
    kinds = [plain(named(said, "kind", str(row["kind"]))) for row in rows]
    keys = [key for key in ("cpu_hours", "gpu_hours") if any(row.get(key) for row in rows)]
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": said.say(f"column_{key.removesuffix('_hours')}_time"),
            "y": kinds,
            "x": rounded([row.get(key) or 0.0 for row in rows]),
            "marker": {"color": colour(place)},
        }
        for place, key in enumerate(keys)
    ]
    layout = {
        "xaxis": axis(said.say("plot_hours")),
        "yaxis": {"autorange": "reversed", "automargin": True},
        "showlegend": len(keys) > 1,
    }
    return plot(data, layout, said.say("plot_spent"), 120 + 30 * len(rows))
