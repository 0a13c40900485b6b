"""What forecasts are worth, how sure forecasters are of them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.axes.base import is_varied
from motor.evaluation.cells import CellResult
from motor.evaluation.forecast_errors import error_ratios
from motor.report.document import Block, Heading, Paragraph, Points, Value, plain_table
from motor.report.drawn_window import drawn_window
from motor.report.findings import Findings, cell_name
from motor.report.findings.forecasts import Alarm, Forecasts, alarms, gate_gains
from motor.report.sections.base import Section
from motor.report.text import DASH, number, percent, with_interval
from motor.report.wording import Wording

COMPARED = ("modules", "backbone")  # axes, and every setting by its path
NONE = "none"  # modules
MOST_CASES = 3
Row = Mapping[str, Any]
ComparedCells = Sequence[tuple[CellResult, Mapping[str, Any]]]


class ForecasterFacts(Section):
    kind: Literal["forecasters"] = "forecasters"
    PLACE = 42.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        every: Sequence[Forecasts] = findings.details.get("forecasts") or ()
        compared = _compared(findings)
        return [
            *_alarms(wording, every),
            *_errors(wording, compared),
            *_ratios(wording, compared),
            *_memories(wording, compared),
            *_neighbours(wording, compared),
            *_classes(wording, every),
            *_branches(wording, every),
            *_by_speed(wording, every),
            *_followed(wording, every),
            *_cases(wording, every),
        ]


def _name(wording: Wording, one: Forecasts) -> str:
    return wording.axes(one.axes, tuple(one.axes))


def _alarms(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    if not every:
        return []
    raised = alarms(every)
    lead = wording.say("alarms", n=len(raised)) if raised else wording.say("no_alarms", n=len(every))
    gates = [text for one in every if (text := _gate(wording, one))]
    points = Points([lead, *(_alarm(wording, alarm) for alarm in raised)], "warning" if raised else "")
    return [points, *([Points(gates)] if gates else [])]


def _alarm(wording: Wording, alarm: Alarm) -> str:
    values = {name: number(value) for name, value in alarm.values.items()}
    return wording.say(f"alarm.{alarm.kind}", who=_name(wording, alarm.of), where=alarm.where, **values)


def _gate(wording: Wording, one: Forecasts) -> str:
    """Say whether the gate is worth it: its CRPS against that of the same branches with equal weights."""
    gains = gate_gains(one, wording.findings.context.normal)
    if not gains:
        return ""
    if worse := [place for place, gain in gains.items() if gain < 0]:
        lost = percent(-min(gains.values()))
        return wording.say("gate.nothing", who=_name(wording, one), where=wording.listed(worse), lost=lost)
    least, most = percent(min(gains.values())), percent(max(gains.values()))
    return wording.say("gate.pays", who=_name(wording, one), least=least, most=most)


def _compared(findings: Findings) -> ComparedCells:
    """Return the cells of a grid that compares forecasts, each once whatever judges it, and what is known of them."""
    cells = findings.details.get("cells") or {}
    found: dict[tuple[Any, ...], tuple[CellResult, Mapping[str, Any]]] = {}
    for cell in findings.cells:
        of_forecasts = (cells.get(cell_name(cell.axes)) or {}).get("forecasts")
        if of_forecasts and any(name in COMPARED or is_varied(name) for name in cell.axes):
            place = tuple(value for name, value in cell.axes.items() if name != "classifier")
            found.setdefault(place, (cell, of_forecasts))
    return list(found.values())


def _recipe(wording: Wording, cell: CellResult) -> str:
    return wording.axes(cell.axes, tuple(name for name in cell.axes if name != "classifier"))


def _over_mean(row: Row, name: str) -> float | None:
    """Return an error over the mean forecast's."""
    return row[name] / row["mean_mae"] if row.get(name) is not None and row["mean_mae"] else None


def _errors(wording: Wording, compared: ComparedCells) -> list[Block]:
    """Return errors and directions of all classes together, the best forecasts first."""
    rows = []
    for cell, found in sorted(compared, key=lambda pair: _over_mean(pair[1]["rows"][""], "mae") or 0.0):
        row = found["rows"][""]
        values = [row["mse"], row["mae"], _over_mean(row, "mae"), row["said"], row["reversion"]]
        rows.append([_recipe(wording, cell), *map(number, values), row["n_windows"]])
    titles = wording.titles("recipe", "mse", "mae", "relative_error", "direction", "reversion", "windows")
    table = plain_table(wording.say("errors"), titles, rows, 1, elsewhere="cells.csv")
    return [*table, Paragraph(wording.say("direction_note"), "small")] if table else []


def _ratios(wording: Wording, compared: ComparedCells) -> list[Block]:
    """Return errors over the mean forecast's by domain, and less those without modules, with intervals over motors."""
    places = {_but_modules(cell): found for cell, found in compared if cell.axes.get("modules") == NONE}
    rows = []
    for cell, found in compared:
        motors, plain = found.get("motors", []), places.get(_but_modules(cell), {}).get("motors", [])
        for domain in dict.fromkeys(row["domain"] for row in motors):
            of_both = [[row for row in part if row["domain"] == domain] for part in (motors, plain)]
            ratio, less = error_ratios(of_both[0], None if plain is motors else of_both[1])
            shown = "" if less is None else with_interval(*less)
            n_motors = len({row["motor"] for row in of_both[0]})
            rows.append([_recipe(wording, cell), domain, with_interval(*ratio), shown, n_motors])
    titles = wording.titles("recipe", "domain", "relative_error", "less_without_modules", "motors")
    return plain_table(wording.say("ratios"), titles, rows, 2)


def _but_modules(cell: CellResult) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in cell.axes.items() if name not in ("modules", "classifier"))


def _memories(wording: Wording, compared: ComparedCells) -> list[Block]:
    """Return how far gates open to a memory by class, how often they are right, and what they chose between."""
    rows = []
    for cell, found in compared:
        for label, row in found["rows"].items():
            if "gate" in row:
                deciles = row["gate_deciles"]
                spread = wording.say("spread", low=number(deciles[1]), mid=number(deciles[5]), high=number(deciles[9]))
                errors = [number(_over_mean(row, name)) for name in ("mae", "model_mae", "memory_mae")]
                right = percent(row["gate_right"])
                name = label or wording.say("all_classes")
                rows.append([_recipe(wording, cell), name, number(row["gate"]), spread, right, *errors])
    titles = wording.titles("recipe", "label", "gate", "deciles", "right", "gated", "model", "memory")
    table = plain_table(wording.say("gates"), titles, rows, 2, elsewhere="cells.csv")
    return [Heading(wording.say("gates_title")), *table, Paragraph(wording.say("gates_note"), "small")] if table else []


def _neighbours(wording: Wording, compared: ComparedCells) -> list[Block]:
    """Say whether training windows get such neighbours as new motors get."""
    points = [
        wording.say(
            "ratio", recipe=_recipe(wording, cell), **{name: number(found["ratio"][name]) for name in found["ratio"]}
        )
        for cell, found in compared
        if found["ratio"]
    ]
    return [Paragraph(wording.say("ratio_note"), "small"), Points(points)] if points else []


def _classes(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    facts = ("relative_error", "cover", "crps", "std_ratio", "bias", "rmse", "mape")
    rows = [
        [_name(wording, one), row["domain"], row["label"], *(number(row[fact]) for fact in facts)]
        for one in every
        for row in one.classes
    ]
    titles = wording.titles("recipe", "domain", "label", *facts)
    nominal = number(every[0].nominal) if every else DASH
    return plain_table(wording.say("classes", nominal=nominal), titles, rows, 3, elsewhere="forecasts.csv")


def _branches(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    rows = [
        [_name(wording, one), row["domain"], row["label"], name, *(number(of[fact]) for fact in of)]
        for one in every
        for row in one.classes
        for name, of in row.get("branches", {}).items()
    ]
    titles = wording.titles("recipe", "domain", "label", "branch", "weight", "by_itself", "crps")
    return plain_table(wording.say("branches"), titles, rows, 4)


def _by_speed(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    """Return where gates and regimes stand by class and speed, shaded by how much each counts."""
    blocks: list[Block] = []
    for one in every:
        for part in ("gate", "regimes"):
            shares = [_shares(wording, row.get(part, {})) for row in one.by_speed]
            rows = [
                [row["domain"], row["label"], number(row["speed_rpm"], 0), *_shaded(of_row)]
                for row, of_row in zip(one.by_speed, shares, strict=True)
                if of_row
            ]
            titles = [*wording.titles("domain", "label", "rpm"), *(shares[0] if shares else ())]
            caption = wording.say(f"by_speed.{part}", who=_name(wording, one))
            blocks += plain_table(caption, titles, rows, 3, style="matrix")
    return blocks


def _shaded(shares: Mapping[str, float]) -> list[Value]:
    return [Value(number(share), share, share=share) for share in shares.values()]


def _shares(wording: Wording, part: Mapping[str, float] | Sequence[float]) -> dict[str, float]:
    if isinstance(part, Mapping):
        return dict(part)
    return {wording.say("regime", n=place + 1): share for place, share in enumerate(part)}


def _followed(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    """Say what regimes follow."""
    rows = [
        [_name(wording, one), *(number(one.follow.get(name)) for name in ("label", "speed"))]
        for one in every
        if one.follow
    ]
    return plain_table(wording.say("follow"), wording.titles("recipe", "label", "speed"), rows)


def _cases(wording: Wording, every: Sequence[Forecasts]) -> list[Block]:
    """Draw the worst windows of the first forecaster of each kind that says more of them than quantiles."""
    first = {one.kind: one for one in reversed(every) if one.worst}
    blocks: list[Block] = []
    for kind, one in reversed(first.items()):
        figures = [drawn_window(wording, f"{kind}-{place}", case) for place, case in enumerate(one.worst[:MOST_CASES])]
        blocks += [Heading(wording.say("cases", recipe=_name(wording, one))), *figures]
    return blocks


PLUGIN = ForecasterFacts
