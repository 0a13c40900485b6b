"""Figures with intervals as HTML: names are text, dots are drawn; no script, and the page's theme colours them."""

from __future__ import annotations

from urllib.parse import quote

from motor.report.document import DotRow, Group, Intervals, Line, Target
from motor.report.html.markup import Html, tag

SYMBOLS = (  # circle, square, triangle, diamond, triangle down, cross, x, star; each some 9 px wide
    "M4.5 0A4.5 4.5 0 1 1-4.5 0A4.5 4.5 0 1 1 4.5 0Z",
    "M-4-4H4V4H-4Z",
    "M0-5L5 4H-5Z",
    "M0-5.5L5.5 0L0 5.5L-5.5 0Z",
    "M0 5L5-4H-5Z",
    "M-5-1.7H-1.7V-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5Z",
    "M-4.5-2.5L-2.5-4.5L0-2L2.5-4.5L4.5-2.5L2 0L4.5 2.5L2.5 4.5L0 2L-2.5 4.5L-4.5 2.5L-2 0Z",
    "M0-5.5L1.5-1.7L5.5-1.7L2.2.7L3.4 4.6L0 2.2L-3.4 4.6L-2.2.7L-5.5-1.7L-1.5-1.7Z",
)
N_COLOURS = 8
LEAST_HEIGHT, EACH = 20, 9  # px, of a row and of one of its dots
N_TICKS = 5


def dots(plot: Intervals, label: str) -> Html:
    """Return a figure; `label` tells it to who cannot see it."""
    rows = [_row(plot, row) for row in plot.rows]
    return tag(
        "div",
        tag("div", *rows, _axis(plot), class_="rows", role="img", aria_label=label),
        _legend(plot),
        class_="dots",
    )


def anchor(target: Target) -> str:
    """Return the address of a target on the page."""
    if target.kind == "section":
        return f"#part-{target.name}"
    return f"#cell={quote(target.name, safe='')}" if target.kind == "cell" else quote(target.name)


def _row(plot: Intervals, row: DotRow) -> Html:
    height = max(LEAST_HEIGHT, EACH * (len(row.dots) + 1))
    drawn = [_line(plot, line) for line in plot.lines]
    for place, dot in enumerate(row.dots):
        y = round(height * (place + 1) / (len(row.dots) + 1), 1)
        group = plot.groups[dot.group]
        colour = "faint" if dot.is_faint else f"c{group.colour % N_COLOURS}"
        low, high = dot.interval or (dot.value, dot.value)
        bar = tag("line", x1=_x(plot, low), x2=_x(plot, high), y1=y, y2=y, class_="bar")
        mark = tag("svg", tag("path", d=SYMBOLS[group.symbol % len(SYMBOLS)]), x=_x(plot, dot.value), y=y)
        content = tag("g", tag("title", dot.text), bar, mark, class_=colour)
        drawn.append(tag("a", content, href=anchor(dot.target)) if dot.target else content)
    track = tag("svg", *drawn, class_="track", height=height)
    name = tag("span", row.name, Html(" ★") if row.is_advised else "", class_="name")
    return tag("div", name, track, class_="row advised" if row.is_advised else "row")


def _line(plot: Intervals, line: Line) -> Html:
    x = _x(plot, line.value)
    return tag("line", x1=x, x2=x, y1=0, y2="100%", class_="dotted" if line.is_dotted else "line")


def _axis(plot: Intervals) -> Html:
    low, high = plot.span
    ticks = [low + (high - low) * place / (N_TICKS - 1) for place in range(N_TICKS)]
    labels = [
        tag("text", f"{value:.3g}", x=_x(plot, value), y=12, class_=edge)
        for value, edge in zip(ticks, ("start", *["middle"] * (N_TICKS - 2), "end"), strict=True)
    ]
    return tag(
        "div", tag("span", plot.axis, class_="name"), tag("svg", *labels, class_="track", height=16), class_="row axis"
    )


def _legend(plot: Intervals) -> Html:
    swatches = [tag("li", _swatch(group), group.name) for group in plot.legend]
    lines = [
        tag("li", tag("span", class_="swatch " + ("dotted" if line.is_dotted else "line")), line.name)
        for line in plot.lines
    ]
    return tag("ul", *swatches, *lines, class_="legend") if swatches or lines else Html()


def _swatch(group: Group) -> Html:
    mark = tag("svg", tag("path", d=SYMBOLS[group.symbol % len(SYMBOLS)]), viewBox="-6 -6 12 12", width=12, height=12)
    return tag("span", mark, class_="ink" if group.colour < 0 else f"c{group.colour % N_COLOURS}")


def _x(plot: Intervals, value: float) -> str:
    low, high = plot.span
    share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5
    return f"{2 + 96 * share:.1f}%"  # room for a mark at either end
