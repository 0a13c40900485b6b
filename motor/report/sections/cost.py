"""What was computed, what sharing saved, and what it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.report.document import Block, Dot, DotRow, Figure, Group, Intervals, Paragraph, Points, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import DASH, fact_text, percent
from motor.report.wording import Wording

HOURS = ("cpu_hours", "gpu_hours")


class Cost(Section):
    kind: Literal["cost"] = "cost"
    PLACE = 90.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        spent = findings.context.spent
        if not spent:
            return [Paragraph(wording.say("no_cost"))]
        return [*_summary(wording, spent), *_figure(wording, spent), *_table(wording, spent), *_sharing(wording, spent)]


def _summary(wording: Wording, spent: Mapping[str, Any]) -> list[Block]:
    """Say what was computed, what sharing saved, and what energy it took."""
    shared = spent.get("shared") or {}
    if not shared.get("n_stages"):
        return []
    hours = sum(shared[name] for name in HOURS)
    without = sum(shared[f"{name}_without_sharing"] for name in HOURS)
    both = {name: f"{shared[name]:.3g}" for name in HOURS}
    alone = {name: f"{shared[f'{name}_without_sharing']:.3g}" for name in HOURS}
    energies = [row["energy_wh"] for row in spent.get("by_kind", []) if row.get("energy_wh") is not None]
    counts = {"n": shared["n_cells"], "n_stages": shared["n_stages_without_sharing"]}
    saved = percent(1 - hours / without if without else 0.0)
    energy = wording.say("energy", energy=f"{sum(energies):.3g}") if energies else wording.say("no_energy")
    return [
        Points(
            [
                wording.say("computed", n=shared["n_stages"], **both),
                wording.say("sharing", saved=saved, **counts, **alone),
                energy,
            ]
        )
    ]


def _figure(wording: Wording, spent: Mapping[str, Any]) -> list[Block]:
    rows = [row for row in spent.get("by_kind", []) if row.get("cpu_hours") or row.get("gpu_hours")]
    keys = [key for key in HOURS if any(row.get(key) for row in rows)]
    if not keys:
        return []
    drawn = [
        DotRow(
            wording.named("kind", str(row["kind"])),
            [
                Dot(row[key], (0.0, row[key]), f"{row[key]:.3g} h", place)
                for place, key in enumerate(keys)
                if row.get(key)
            ],
        )
        for row in rows
    ]
    groups = [
        Group(wording.say(f"column.{key.removesuffix('_hours')}_time"), place, place) for place, key in enumerate(keys)
    ]
    most = max(row.get(key) or 0.0 for row in rows for key in keys)
    plot = Intervals(drawn, groups, wording.say("hours"), (0.0, 1.05 * most), legend=groups)
    return [Figure("cost", plot, wording.say("figure"), is_aside=True)]


def _table(wording: Wording, spent: Mapping[str, Any]) -> list[Block]:
    """Return what each kind of stage took."""
    rows = list(spent.get("by_kind", []))
    table_rows = [[wording.named("kind", str(row["kind"])), row["n_stages"], *_hours(wording, row)] for row in rows]
    if len(rows) > 1:
        energies = [row["energy_wh"] for row in rows if row.get("energy_wh") is not None]
        total: dict[str, Any] = {key: sum(row.get(key) or 0.0 for row in rows) for key in HOURS}
        total["energy_wh"] = sum(energies) if energies else None
        table_rows.append([wording.say("total"), sum(row["n_stages"] for row in rows), *_hours(wording, total)])
    titles = wording.titles("kind", "stages", "cpu_time", "gpu_time", "energy")
    return plain_table(wording.say("spent"), titles, table_rows)


def _hours(wording: Wording, row: Mapping[str, Any]) -> list[str]:
    energy = row.get("energy_wh")
    times = [wording.duration(3600.0 * (row.get(key) or 0.0)) for key in HOURS]
    return [*times, DASH if energy is None else f"{energy:.3g} Wh"]


def _sharing(wording: Wording, spent: Mapping[str, Any]) -> list[Block]:
    """Return what cells have in common, beside what each for itself would have taken, and where it ran."""
    shared = dict(spent.get("shared") or {})
    rows: list[list[object]] = []
    if shared.get("n_cells") is not None:
        rows.append([wording.say("shared.n_cells"), shared["n_cells"], ""])
    if shared.get("n_stages") is not None:
        rows.append([wording.say("shared.n_stages"), shared["n_stages"], shared.get("n_stages_without_sharing", DASH)])
    for key in HOURS:
        if shared.get(key):
            hours = [shared[key], shared.get(f"{key}_without_sharing") or 0.0]
            rows.append([wording.say(f"shared.{key}"), *(wording.duration(3600.0 * value) for value in hours)])
    if hosts := spent.get("hosts"):
        rows.append([wording.say("shared.hosts"), fact_text(list(hosts)), ""])
    return plain_table(wording.say("shared_caption"), wording.titles("name", "value", "without_sharing"), rows)


PLUGIN = Cost
