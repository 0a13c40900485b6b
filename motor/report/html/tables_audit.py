"""Tables of the leak audit: what it checked, what trivial cues score, what a split that leaks would have claimed."""

from __future__ import annotations

from motor.evaluation.cells import ReportContext, cell_key, varying_axes
from motor.evaluation.repeats import best_by_method_and_domain, mean_of
from motor.report.findings import Findings
from motor.report.html.tables import Table, Value, axis_value, cell_link, cell_name, named, plain_table
from motor.report.html.words import Words
from motor.report.markdown import number, signed, with_interval


def checks_table(context: ReportContext, said: Words) -> Table | None:
    """Return the checks of the leak audit."""
    checks = (context.audit or {}).get("checks", [])
    told = [
        [
            check["name"],
            Value(said.say("passed" if check["passed"] else "found"), is_strong=not check["passed"]),
            check["what"],
        ]
        for check in checks
    ]
    titles = [said.say(f"column_{key}") for key in ("check", "outcome", "asks")]
    return plain_table(said.say("checks_caption"), titles, told, 3)


def probe_table(context: ReportContext, said: Words) -> Table | None:
    """Return what trivial cues alone score, strongest first in each domain."""
    rows = (context.audit or {}).get("probe", [])
    ordered = sorted(rows, key=lambda row: (str(row["domain"]), -(row["macro_f1"] or 0.0), str(row["cue"])))
    told = [
        [
            str(row["domain"]),
            str(row["cue"]),
            with_interval(row["macro_f1"], row["interval"]),
            number(row["chance"]),
            number(row["p_value"], 3),
            row["n_motors"],
            Value(said.say("is_so" if row["beats_chance"] else "is_not_so"), is_strong=bool(row["beats_chance"])),
        ]
        for row in ordered
    ]
    keys = ("cue", "macro_f1", "chance", "p", "motors", "beats_chance")
    titles = [named(said, "axis", "domain"), *(said.say(f"column_{key}") for key in keys)]
    return plain_table(said.say("probe_caption"), titles, told, 2)


def leaky_table(findings: Findings, said: Words) -> Table | None:
    """Return the best row of each method and regime beside the same under a split by series; None if not asked for."""
    leaky = findings.context.leaky or {}
    axes = [name for name in varying_axes(findings.cells) if name != "seed"]
    known = {id(row): mean_of(leaky.get(cell_key(cell.axes)) for cell in row.cells) for row in findings.rows}
    told: list[list[object]] = []
    for row in best_by_method_and_domain([row for row in findings.rows if known[id(row)] is not None]):
        claimed = known[id(row)] or 0.0
        coordinates = [axis_value(row.axes, axis) for axis in axes]
        head = Value(coordinates[0], href=cell_link(cell_name(row.first.axes)))
        shown = [number(row.value), number(claimed), signed(claimed - row.value)]
        told.append([head, *coordinates[1:], *shown])
    titles = [named(said, "axis", axis) for axis in axes]
    titles += [said.say(f"column_{key}") for key in ("clean", "leaky", "leak_adds")]
    return plain_table(said.say("leaky_caption"), titles, told, len(axes))
