"""A document's figure as a PNG file: intervals, or the few kinds of traces that the report has of Plotly."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.evaluation.figures.style import COLOURS, LINES, MARKERS, drawable, drawing
from motor.lazy import matplotlib
from motor.report.document import Intervals, Plot

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

GREY, INK = "0.65", "black"
SYMBOLS = {"circle": "o", "square": "s", "triangle-up": "^", "diamond": "D", "triangle-down": "v"}
SYMBOLS |= {"cross": "P", "x": "X", "star": "*", "circle-open": "o"}
DASHES = {"solid": "-", "dash": "--", "dashdot": "-.", "dot": ":", "longdash": (0, (8, 3))}
SIDE = 4.2  # inches


def draw(path: Path, plot: Intervals | Plot) -> None:
    """Draw a figure.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    plot : Intervals or dict
        What to draw.
    """
    if isinstance(plot, Intervals):
        _draw_intervals(path, plot)
    else:
        _draw_traces(path, plot)


def _draw_intervals(path: Path, plot: Intervals) -> None:
    names = drawable(row.name for row in plot.rows)
    heights = [max(0.22, 0.12 * len(row.dots) + 0.08) for row in plot.rows]
    with drawing(path, 7.5, 0.9 + sum(heights) + 0.2 * bool(plot.legend)) as figure:
        axis = figure.subplots()
        for line in plot.lines:
            axis.axvline(line.value, color=GREY, linestyle=":" if line.is_dotted else "-", linewidth=1)
            axis.text(line.value, 1.0, line.name, transform=axis.get_xaxis_transform(), fontsize=7, va="bottom")
        edge, ticks = 0.0, []
        for row, height in zip(plot.rows, heights, strict=True):
            ticks.append(edge + height / 2)
            _dots(axis, plot, row.dots, edge, height)
            edge += height
        axis.set_yticks(ticks, [names[row.name] + (" ★" if row.is_advised else "") for row in plot.rows])
        axis.set_ylim(edge, 0)
        axis.set_xlim(*plot.span)
        axis.set_xlabel(plot.axis)
        _legend(axis, plot)


def _dots(axis: Axes, plot: Intervals, dots: Any, edge: float, height: float) -> None:
    for place, dot in enumerate(dots):
        y = edge + height * (place + 1) / (len(dots) + 1)
        group = plot.groups[dot.group]
        colour = GREY if dot.is_faint else COLOURS[group.colour % len(COLOURS)]
        if dot.interval is not None:
            axis.plot(dot.interval, (y, y), color=colour, linewidth=1.2)
        axis.plot(dot.value, y, color=colour, marker=MARKERS[group.symbol % len(MARKERS)], markersize=4.5)


def _legend(axis: Axes, plot: Intervals) -> None:
    if plot.legend:
        names = drawable(group.name for group in plot.legend)
        handles = [
            matplotlib.lines.Line2D(
                [],
                [],
                linestyle="none",
                color=INK if group.colour < 0 else COLOURS[group.colour % len(COLOURS)],
                marker=MARKERS[group.symbol % len(MARKERS)],
                label=names[group.name],
            )
            for group in plot.legend
        ]
        axis.figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))


def _draw_traces(path: Path, plot: Plot) -> None:
    layout = plot["layout"]
    with drawing(path, 1.5 * SIDE, SIDE * plot["height"] / 420) as figure:
        axis = figure.subplots()
        for place, trace in enumerate(plot["data"]):
            (_box if trace["type"] == "box" else _scatter)(axis, trace, place)
        for name in ("x", "y"):
            _scale(axis, name, layout.get(f"{name}axis", {}))
        axis.set_title(_text(layout.get("title", {}).get("text", "")))
        if layout.get("showlegend", True) and axis.get_legend_handles_labels()[0]:
            figure.legend(loc="outside right upper")


def _scatter(axis: Axes, trace: Plot, place: int) -> None:
    marker, line, mode = trace.get("marker", {}), trace.get("line", {}), trace["mode"]
    colour = _colour(line.get("color") or marker.get("color"), place)
    is_open = str(marker.get("symbol", "")).endswith("-open")
    axis.plot(
        np.array(trace["x"], dtype=float),
        np.array(trace["y"], dtype=float),
        color=colour,
        linestyle=DASHES.get(line.get("dash", "solid"), LINES[0]) if "lines" in mode else "none",
        linewidth=line.get("width", 1.5) * 0.7,
        marker=SYMBOLS.get(marker.get("symbol", "circle"), "o") if "markers" in mode else None,
        markersize=marker.get("size", 6) * 0.6,
        markerfacecolor="none" if is_open else colour,
        label=_text(trace.get("name", "")) or None,
    )


def _box(axis: Axes, trace: Plot, place: int) -> None:
    """Draw quartiles and every point, spread by its rank (Axes.boxplot would load pyplot)."""
    values, colour = np.array(trace["x"], dtype=float), _colour(trace["marker"]["color"], place)
    spread = (np.arange(len(values)) * 0.618034) % 1.0 * 0.5 - 0.25
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    axis.plot(values, place + spread, "o", color=colour, markersize=3, alpha=0.5, markeredgewidth=0)
    axis.vlines([low, middle, high], place - 0.3, place + 0.3, color=INK, linewidth=[1, 2, 1])
    axis.hlines([place - 0.3, place + 0.3], low, high, color=INK, linewidth=1)
    names = [tick.get_text() for tick in axis.get_yticklabels()] if place else []
    axis.set_yticks(range(place + 1), [*names[:place], _text(trace["name"])])


def _scale(axis: Axes, name: str, settings: Plot) -> None:
    """Name one axis, and give it its range and ticks."""
    set_ = {key: getattr(axis, f"set_{name}{key}") for key in ("label", "lim", "ticks", "scale")}
    set_["label"](_text(settings.get("title", {}).get("text", "")))
    if settings.get("type") == "log":
        set_["scale"]("log")
    if "tickvals" in settings:
        set_["ticks"](settings["tickvals"], [_text(text) for text in settings["ticktext"]])
    if settings.get("showticklabels") is False:
        set_["ticks"]([])
    if "range" in settings:
        set_["lim"](*settings["range"])


def _colour(name: str | None, place: int) -> str:
    """Return the colour that a page's theme has for a name."""
    if name == "var:ink":
        return INK
    if name == "var:faint":
        return GREY
    number = int(name.removeprefix("var:c")) if name and name.startswith("var:c") else place
    return COLOURS[number % len(COLOURS)]


def _text(text: str) -> str:
    """Return what Plotly takes for markup as plain text that the fonts have."""
    plain = html.unescape(text)
    return drawable([plain])[plain] if plain else ""
