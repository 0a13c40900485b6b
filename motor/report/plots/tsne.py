"""A map of the features, coloured by class, and again by motor: the view that shows a leak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.cells import CellResult
from motor.report.document import Figure, Plot
from motor.report.plots.base import MARKERS, N_COLOURS, CellPlot, colour, plain, rounded
from motor.report.wording import Wording

MOST_MOTORS_NAMED = 16  # in a legend


class Tsne(CellPlot):
    kind: Literal["tsne"] = "tsne"
    PLACE = 60.0

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        points = beside.get("tsne") or []
        if not points:
            return []
        names = {"label": list(cell.metrics["classes"]), "motor": sorted({str(point["motor"]) for point in points})}
        return [
            Figure(f"tsne-{by}", _plot(points, by, of_by), wording.say(f"label_{by}"), wording.say(f"caption_{by}"))
            for by, of_by in names.items()
        ]


def _plot(points: Sequence[Mapping[str, Any]], by: str, names: Sequence[str]) -> Plot:
    data = []
    for place, name in enumerate(names):
        of_name = [point for point in points if str(point[by]) == name]
        if of_name:
            symbol = MARKERS[place % len(MARKERS) if by == "label" else place // N_COLOURS % len(MARKERS)]
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": plain(name),
                    "x": rounded([point["x"] for point in of_name]),
                    "y": rounded([point["y"] for point in of_name]),
                    "text": [plain(_text(point)) for point in of_name],
                    "hoverinfo": "text",
                    "marker": {"color": colour(place), "symbol": symbol, "size": 7},
                }
            )
    hidden = {"showticklabels": False, "zeroline": False, "ticks": ""}
    layout = {
        "height": 420,
        "xaxis": {**hidden},
        "yaxis": {**hidden, "scaleanchor": "x"},
        "showlegend": len(names) <= MOST_MOTORS_NAMED,
        "hovermode": "closest",
    }
    return {"data": data, "layout": layout, "height": 420}


def _text(point: Mapping[str, Any]) -> str:
    return ", ".join(str(point[key]) for key in ("item", "motor", "domain", "label") if point.get(key))


PLUGIN = Tsne
