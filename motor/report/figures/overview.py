"""The grid at a glance: macro-F1 of every cell with its interval, against chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from motor.report.figures.style import COLOURS, MARKERS, drawable, drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

MOST_ROWS = 48
Cell = tuple["Mapping[str, Any]", "Mapping[str, Any]"]  # its axes, its metrics


def overview_figure(
    path: Path, cells: Sequence[Cell], row_axes: Sequence[str], panel_axis: str, mark_axis: str
) -> None:
    """Draw macro-F1 of every cell: a panel for each regime, a row for each recipe, a mark for each classifier.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    cells : sequence of (axes, metrics)
        Metrics from `classification_metrics`.
    row_axes : sequence of str
        Axes whose combinations are the rows; of more than 48 rows the best are drawn.
    panel_axis, mark_axis : str
        The axis of the panels, and that of the marks.

    Raises
    ------
    ValueError
        If there are no cells.
    """
    if not cells:
        raise ValueError("there are no cells to draw")
    panels = list(dict.fromkeys(axes[panel_axis] for axes, _ in cells))
    marks = list(dict.fromkeys(_mark(axes, mark_axis) for axes, _ in cells))
    rows = _rows(cells, row_axes)
    titles, names = drawable(map(str, panels)), drawable(rows)
    height = 1.6 + len(rows) * (0.16 + 0.09 * len(marks))
    with drawing(path, 1.8 + 2.6 * len(panels), height) as figure:
        shown = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        for axis, panel in zip(shown, panels, strict=True):
            of_panel = [cell for cell in cells if cell[0][panel_axis] == panel and _row(cell[0], row_axes) in rows]
            _panel(axis, of_panel, rows, row_axes, marks, mark_axis)
            axis.set_title(titles[str(panel)])
            axis.set_xlabel("macro-F1 on unseen motors")
        shown[0].set_yticks(range(len(rows)), [names[row] for row in rows])
        shown[0].set_ylim(len(rows) - 0.4, -0.6)
        shown[0].set_xlim(0, 1.02)
        handles, labels = shown[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(7, len(labels)))


def _rows(cells: Sequence[Cell], names: Sequence[str]) -> list[str]:
    """Return the rows in the cells' order; of too many those that reach most, best first."""
    best: dict[str, float] = {}
    for axes, metrics in cells:
        row = _row(axes, names)
        best[row] = max(best.get(row, 0.0), metrics["macro_f1"] or 0.0)
    return list(best) if len(best) <= MOST_ROWS else sorted(best, key=lambda row: -best[row])[:MOST_ROWS]


def _row(axes: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(str(axes[name]) for name in names if axes.get(name) is not None)


def _mark(axes: Mapping[str, Any], name: str) -> str:
    return "–" if axes.get(name) is None else str(axes[name])


def _panel(
    axis: Axes,
    cells: Sequence[Cell],
    rows: Sequence[str],
    row_axes: Sequence[str],
    marks: Sequence[str],
    mark_axis: str,
) -> None:
    """Draw one regime's cells; the bar is the 95 % interval from resampled motors."""
    for number, mark in enumerate(marks):
        chosen = [cell for cell in cells if _mark(cell[0], mark_axis) == mark]
        shift = (number - (len(marks) - 1) / 2) * 0.7 / len(marks)
        colour = COLOURS[number % len(COLOURS)]
        places = [rows.index(_row(axes, row_axes)) + shift for axes, _ in chosen]
        values = [metrics["macro_f1"] for _, metrics in chosen]
        for place, (_, metrics) in zip(places, chosen, strict=True):
            if metrics.get("macro_f1_interval"):
                axis.plot(metrics["macro_f1_interval"], [place, place], color=colour, linewidth=1, alpha=0.5)
        axis.plot(values, places, MARKERS[number % len(MARKERS)], color=colour, markersize=4, label=mark)
    chance = max((cell[1]["chance"]["uniform"] for cell in cells), default=0.0)
    axis.axvline(chance, color="#666666", linestyle=":", linewidth=1, label="chance")
    axis.grid(axis="x", alpha=0.3)
