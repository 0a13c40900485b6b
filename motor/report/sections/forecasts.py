"""What forecasts are worth where modules, forecasters or their settings are compared: errors, directions, gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from motor.evaluation.axes.base import is_varied
from motor.evaluation.cells import CellResult
from motor.report.document import Block, Figure, Heading, Paragraph, Points, plain_table
from motor.report.findings import Findings, cell_name
from motor.report.plots.base import FAINT, INK, axis, colour, line, plain
from motor.report.sections.base import Section
from motor.report.text import number, percent
from motor.report.wording import Wording

COMPARED = ("modules", "backbone")  # axes, and every setting by its path
MOST_CASES = 3
Row = Mapping[str, Any]


class Forecasts(Section):
    kind: Literal["forecasts"] = "forecasts"
    PLACE = 42.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        told = _told(findings)
        if not told:
            return []
        return [*_errors(wording, told), *_gates(wording, told), *_neighbours(wording, told), *_cases(wording, told)]


def _told(findings: Findings) -> list[tuple[CellResult, Mapping[str, Any]]]:
    """Return the cells of a grid that compares forecasts, each once whatever judges it, and what is known of them."""
    cells = findings.details.get("cells") or {}
    found: dict[tuple[Any, ...], tuple[CellResult, Mapping[str, Any]]] = {}
    for cell in findings.cells:
        of_forecasts = (cells.get(cell_name(cell.axes)) or {}).get("forecasts")
        is_compared = any(name in COMPARED or is_varied(name) for name in cell.axes)
        if of_forecasts and is_compared:
            place = tuple(value for name, value in cell.axes.items() if name != "classifier")
            found.setdefault(place, (cell, of_forecasts))
    return list(found.values())


def _recipe(wording: Wording, cell: CellResult) -> str:
    return wording.axes(cell.axes, tuple(name for name in cell.axes if name != "classifier"))


def _over_mean(row: Row, name: str) -> float | None:
    """Return an error over the mean forecast's."""
    return row[name] / row["mean_mae"] if row.get(name) is not None and row["mean_mae"] else None


def _errors(wording: Wording, told: Sequence[tuple[CellResult, Mapping[str, Any]]]) -> list[Block]:
    """Return errors and directions of all classes together, the best forecasts first."""
    rows = []
    for cell, found in sorted(told, key=lambda pair: _over_mean(pair[1]["rows"][""], "mae") or 0.0):
        row = found["rows"][""]
        values = [row["mse"], row["mae"], _over_mean(row, "mae"), row["said"], row["reversion"]]
        rows.append([_recipe(wording, cell), *map(number, values), row["n_windows"]])
    titles = wording.titles("recipe", "mse", "mae", "over_mean", "direction", "reversion", "windows")
    note = Paragraph(wording.say("direction_note"), "small")
    return [*plain_table(wording.say("errors"), titles, rows, 1, elsewhere="cells.csv"), note]


def _gates(wording: Wording, told: Sequence[tuple[CellResult, Mapping[str, Any]]]) -> list[Block]:
    """Return how far gates open by class, how often they are right, and what they chose between."""
    rows = []
    for cell, found in told:
        for label, row in found["rows"].items():
            if "gate" in row:
                deciles = row["gate_deciles"]
                spread = wording.say("spread", low=number(deciles[1]), mid=number(deciles[5]), high=number(deciles[9]))
                errors = [number(_over_mean(row, name)) for name in ("mae", "model_mae", "memory_mae")]
                right = percent(row["gate_right"])
                name = label or wording.say("all_classes")
                rows.append([_recipe(wording, cell), name, number(row["gate"]), spread, right, *errors])
    titles = wording.titles("recipe", "class", "gate", "deciles", "right", "gated", "model", "memory")
    table = plain_table(wording.say("gates"), titles, rows, 2, elsewhere="cells.csv")
    return [Heading(wording.say("gates_title")), *table, Paragraph(wording.say("gates_note"), "small")] if table else []


def _neighbours(wording: Wording, told: Sequence[tuple[CellResult, Mapping[str, Any]]]) -> list[Block]:
    """Say whether training windows get such neighbours as new motors get."""
    points = [
        wording.say(
            "ratio", recipe=_recipe(wording, cell), **{name: number(found["ratio"][name]) for name in found["ratio"]}
        )
        for cell, found in told
        if found["ratio"]
    ]
    return [Paragraph(wording.say("ratio_note"), "small"), Points(points)] if points else []


def _cases(wording: Wording, told: Sequence[tuple[CellResult, Mapping[str, Any]]]) -> list[Block]:
    """Draw the worst windows of the first recipe that has a memory, and their neighbours over them."""
    with_memory = [(cell, found["worst"]) for cell, found in told if found["worst"]]
    if not with_memory:
        return []
    cell, worst = with_memory[0]
    figures = [_case(wording, place, case) for place, case in enumerate(worst[:MOST_CASES])]
    return [Heading(wording.say("cases", recipe=_recipe(wording, cell))), *figures]


def _case(wording: Wording, place: int, case: Mapping[str, Any]) -> Figure:
    n_past = len(case["past"])
    x = np.arange(-n_past, len(case["future"]), dtype=float)

    def curve(past: Sequence[float], future: Sequence[float], name: str, style: Mapping[str, Any]) -> Any:
        return line(x, np.array([*past, *future], dtype=float), plain(name), dict(style))

    near = [
        curve(
            one["past"],
            one["future"],
            wording.say(
                "neighbour", motor=one["motor"], second=number(one["second"]), distance=number(one["distance"])
            ),
            {"color": colour(rank), "width": 1},
        )
        for rank, one in enumerate(case["neighbours"])
    ]
    own = curve(case["past"], case["future"], wording.say("measured"), {"color": INK, "width": 2})
    forecast = line(
        x[n_past:],
        np.array(case["forecast"], dtype=float),
        wording.say("forecast"),
        {"color": FAINT, "width": 2, "dash": "dash"},
    )
    about = {"item": case["item"], "motor": case["motor"], "label": case["label"], "second": number(case["second"])}
    layout = {"height": 320, "xaxis": axis(wording.say("x")), "yaxis": axis(wording.say("y")), "showlegend": True}
    plot = {"data": [own, forecast, *near], "layout": layout, "height": 320}
    return Figure(f"neighbours-{place}", plot, wording.say("case", **about), wording.say("case_caption"))


PLUGIN = Forecasts
