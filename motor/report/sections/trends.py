"""What the advised recipe leans on, over the time of each motor, beside what it was when the motor was healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.report.document import Block, Columns, Figure, Heading, Paragraph, Plot
from motor.report.findings import Findings
from motor.report.plots.base import FAINT, GRID, INK, MARKERS, axis, colour, plain, rounded
from motor.report.sections.base import Section
from motor.report.wording import Wording

HEIGHT = 240
DAYS_FROM_H = 72.0


class Trends(Section):
    kind: Literal["trends"] = "trends"
    PLACE = 31.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        trends = findings.details.get("trends") or []
        if not trends:
            return []
        shown: list[Block] = [Paragraph(wording.say("lead", motors=wording.motors(len(trends))))]
        for trend in trends:
            band = wording.say("band.own" if trend["is_own"] else "band.healthy")
            heading = wording.say("motor", motor=trend["motor"], domain=trend["domain"])
            shown += [Heading(heading), Paragraph(band, "small")]
            shown.append(Columns([[_figure(trend, column, wording)] for column in trend["columns"]]))
        return shown


def _figure(trend: Mapping[str, Any], column: Mapping[str, Any], wording: Wording) -> Figure:
    """Draw one column of one motor."""
    is_long = trend["t_h"][-1] > DAYS_FROM_H
    time = rounded([t / 24 if is_long else t for t in trend["t_h"]], 6)
    data = _band(time, column, wording)
    labels = list(dict.fromkeys(trend["label"]))
    for place, label in enumerate(labels):
        rows = [k for k, own in enumerate(trend["label"]) if own == label and not trend["is_reference"][k]]
        name = wording.say("unlabelled") if label is None else plain(label)
        data += _points(time, column, rows, name, colour(place), MARKERS[place % len(MARKERS)])
    references = [k for k, is_one in enumerate(trend["is_reference"]) if is_one]
    data += _points(time, column, references, wording.say("reference"), INK, "circle-open")
    title = {"text": plain(column["name"])}
    x = axis(wording.say("days" if is_long else "hours"))
    layout = {"height": HEIGHT, "xaxis": x, "yaxis": axis(""), "showlegend": True, "title": title}
    label = wording.say("figure", column=column["name"], motor=trend["motor"], domain=trend["domain"])
    name = f"trends/{trend['domain']}/{trend['motor']}/{column['name']}"
    return Figure(name, {"data": data, "layout": layout, "height": HEIGHT}, label, is_aside=True)


def _band(time: Sequence[float | None], column: Mapping[str, Any], wording: Wording) -> list[Plot]:
    """Draw the two ends of a band, filled between; nothing where there is none."""
    if column["low"] is None or column["high"] is None:
        return []
    ends = [time[0], time[-1]]
    shared = {"type": "scatter", "mode": "lines", "x": ends, "line": {"color": FAINT, "width": 1}}
    low = {**shared, "y": [column["low"]] * 2, "name": wording.say("band"), "showlegend": False}
    return [
        low,
        {**shared, "y": [column["high"]] * 2, "name": wording.say("band"), "fill": "tonexty", "fillcolor": GRID},
    ]


def _points(
    time: Sequence[float | None], column: Mapping[str, Any], rows: Sequence[int], name: str, of_colour: str, symbol: str
) -> list[Plot]:
    if not rows:
        return []
    marker = {"color": of_colour, "size": 7, "symbol": symbol}
    places = {"x": [time[k] for k in rows], "y": [column["y"][k] for k in rows]}
    return [{"type": "scatter", "mode": "markers", "name": name, "marker": marker, "cliponaxis": False, **places}]


PLUGIN = Trends
