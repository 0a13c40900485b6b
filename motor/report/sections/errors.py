"""What the advised recipe gets wrong, and on which motors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.ranking import Recipe
from motor.report.document import Block, Column, Heading, Paragraph, Points, Row, Table, Value, plain_table
from motor.report.findings import Findings, advised_cells
from motor.report.findings.recipes import Errors, advised_recipe, errors_of, motor_classes
from motor.report.plots.signals import signal_blocks
from motor.report.sections.base import Section
from motor.report.text import DASH
from motor.report.wording import Wording

MOST_MOTORS = 60  # in the picture


class MotorErrors(Section):
    kind: Literal["errors"] = "errors"
    PLACE = 30.0

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        advised = advised_recipe(findings)
        if advised is None or findings.ranking is None:
            return []
        best = findings.ranking.recipes[0]
        recipes = {"motors_wrong": advised} | ({"motors_wrong_best": best} if best is not advised else {})
        found = {key: errors_of(findings.cells, recipe) for key, recipe in recipes.items()}
        texts = [_in_short(wording, recipe, found[key]) for key, recipe in recipes.items()]
        tables = [block for key, errors in found.items() for block in _motors(wording, key, errors)]
        texts += _rests_on(wording)
        return [Points(texts), *_matrix(wording, advised, found["motors_wrong"]), *tables, *_worst(wording)]


def motor_titles(wording: Wording) -> list[str]:
    """Return the headings of `motor_values`."""
    keys = ("motor", "state", "wrong", "taken_for", "false_alarms", "missed_faults")
    first, *rest = wording.titles(*keys)
    return [first, wording.say("heading.domain"), *rest]


def motor_values(row: Mapping[str, Any], wording: Wording) -> list[object]:
    """Return one motor's errors."""
    share = row["n_errors"] / row["n_series"]
    return [
        str(row["motor"]),
        str(row["domain"]),
        ", ".join(map(str, row["labels"])),
        Value(wording.say("of", part=row["n_errors"], whole=row["n_series"]), share, share=share),
        wording.counted(row["taken_for"]) or DASH,
        str(row.get("false_alarms", DASH)),
        str(row.get("missed_faults", DASH)),
    ]


def _in_short(wording: Wording, recipe: Recipe, found: Errors) -> str:
    """Return in one sentence what a recipe gets wrong, and on which motors."""
    if not found.n_wrong:
        return wording.say("errors.none", recipe=wording.recipe(recipe), n=found.n_series)
    pairs = [wording.say("errors.pair", true=true, taken=taken, n=count) for (true, taken), count in found.confused]
    return wording.say(
        "errors.short" if pairs else "errors.alarms",
        recipe=wording.recipe(recipe),
        n_wrong=found.n_wrong,
        n=found.n_series,
        n_motors_wrong=found.n_motors_wrong,
        motors=wording.motors(found.n_motors),
        worst=wording.listed(list(dict.fromkeys(str(row["motor"]) for _, row in found.motors))),
        confused=wording.listed(pairs, 3),
    )


def _rests_on(wording: Wording) -> list[str]:
    """Return in a sentence which order of the shaft each class rests on, where that could be estimated."""
    beside = wording.findings.details.get("cells") or {}
    cells = [beside.get(wording.cell_target(index).name) or {} for index in advised_cells(wording.findings)]
    found = list({tuple(one.items()): one for cell in cells for one in cell.get("rests_on") or []}.values())
    if not found:
        return []
    classes = []
    for one in found:
        values = {"label": one["label"], "domain": one["domain"], "order": f"{one['order']:.3g}"}
        key = "rests" if "component" not in one else "rests_part" if one["component"] else "rests_unknown"
        part = wording.say(f"part.{one['component']}") if one.get("component") else ""
        classes.append(wording.say(key, **values, gain=f"{one['gain_db']:.0f}", part=part))
    texts = [wording.say("rests_on", classes=wording.listed(classes, 12))]
    if all("component" in one and not one["component"] for one in found):
        texts.append(wording.say("rests_none"))
    return [wording.joined(texts)]


def _matrix(wording: Wording, recipe: Recipe, found: Errors) -> list[Block]:
    """Return the motors with a wrong series by the classes that their series were named: a picture of shades."""
    classes, named = wording.findings.context.classes, motor_classes(wording.findings.cells, recipe)
    rows = []
    for _, row in found.motors[:MOST_MOTORS] if named else ():
        counts = named[str(row["motor"]), str(row["domain"])]
        total = sum(counts.values())
        shades = [
            Value(str(counts[name]) if counts[name] else "", counts[name], share=counts[name] / total, is_strong=own)
            for name, own in ((name, name in row["labels"]) for name in classes)
        ]
        rows.append(Row([Value(str(row["motor"])), Value(str(row["domain"])), *shades]))
    columns = [Column(wording.say("column.motor")), Column(wording.say("heading.domain"))]
    columns += [Column(wording.say("column.named_as", name=name), True) for name in classes]
    return [Table(wording.say("matrix"), columns, rows, "matrix")] if rows else []


def _motors(wording: Wording, caption: str, found: Errors) -> list[Block]:
    rows = [[*motor_values(row, wording), wording.cell(index)] for index, row in found.motors]
    titles = [*motor_titles(wording), wording.say("column.cell")]
    return plain_table(wording.say(caption, n=len(rows)), titles, rows, 3)


def _worst(wording: Wording) -> list[Block]:
    """Draw the worst recordings of the advised recipe."""
    beside = wording.findings.details.get("cells") or {}
    signals = wording.findings.details.get("signals") or {}
    names = [
        name
        for index in advised_cells(wording.findings)
        for name in (beside.get(wording.cell_target(index).name) or {}).get("worst", [])
    ]
    shown = [block for name in names if name in signals for block in signal_blocks(name, signals[name], wording)]
    return [Heading(wording.say("worst")), Paragraph(wording.say("worst_lead")), *shown] if shown else []


PLUGIN = MotorErrors
