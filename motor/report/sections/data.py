"""What was recorded, how motors were divided, with which settings, and what was fine-tuned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.cells import varying_axes
from motor.lazy import yaml
from motor.report.cells_csv import TRAINING
from motor.report.document import Block, Code, Heading, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import DASH, fact_text, over_folds
from motor.report.wording import Wording, axis_value


class Data(Section):
    kind: Literal["data"] = "data"
    PLACE = 80.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        context = findings.context
        return [
            *_counts(wording),
            *_facts(wording, "dataset", context.dataset),
            *_facts(wording, "division", context.split),
            *_split(wording),
            *_settings(wording),
            *_tunings(wording),
        ]


def _counts(wording: Wording) -> list[Block]:
    """Return series and motors by domain and class."""
    context = wording.findings.context
    rows = list(context.dataset.get("counts", []))
    known = {(row["domain"], row["label"]): f"{row['series']} / {row['motors']}" for row in rows}
    domains = dict.fromkeys(row["domain"] for row in rows)
    table_rows = [[domain, *(known.get((domain, label), DASH) for label in context.classes)] for domain in domains]
    classes = [f"{place}. {name}" for place, name in enumerate(context.classes, start=1)]  # as figures number them
    return plain_table(wording.say("counts"), [wording.say("heading.domain"), *classes], table_rows)


def _facts(wording: Wording, caption: str, facts: Mapping[str, Any]) -> list[Block]:
    rows = [[wording.named("fact", str(name)), fact_text(value)] for name, value in facts.items() if name != "counts"]
    return plain_table(wording.say(caption), wording.titles("name", "value"), rows, 2, style="facts")


def _split(wording: Wording) -> list[Block]:
    """Return how motors were divided: the columns as the split tells them."""
    rows = list(wording.findings.context.split.get("counts", []))
    titles = list(dict.fromkeys(name for row in rows for name in row))
    sides = [[wording.named("side", str(row.get(title, DASH))) for title in titles] for row in rows]
    return plain_table(wording.say("split"), [wording.named("fact", title) for title in titles], sides, len(titles))


def _settings(wording: Wording) -> list[Block]:
    """Return what all cells share, as one would write it in a config."""
    findings = wording.findings
    shown = set(varying_axes(findings.cells)) if findings.cells else set()
    fixed = {
        name: value
        for cell in findings.cells
        for name, value in cell.axes.items()
        if value is not None and name not in shown
    }
    settings = {**fixed, **{name: _parsed(value) for name, value in findings.context.settings}}
    if not settings:
        return []
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100)
    return [Heading(wording.say("settings")), Code(text.rstrip(), "yaml")]


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _tunings(wording: Wording) -> list[Block]:
    """Return what was fine-tuned, and how much signal the encoder saw: a row a set of axes but the classifier."""
    cells = wording.findings.cells
    tuned = [cell for cell in cells if cell.training]
    if not tuned:
        return []
    axes = [axis for axis in varying_axes(cells) if axis != "classifier"]
    shown = [name for name in TRAINING if any(over_folds((cell.training or {}).get(name)) != DASH for cell in tuned)]
    rows = {
        tuple(axis_value(cell.axes, axis) for axis in axes): [
            *(over_folds((cell.training or {}).get(name)) for name in shown),
            cell.n_fits,
        ]
        for cell in tuned
    }
    titles = [*(wording.heading(axis) for axis in axes), *wording.titles(*shown, "fits")]
    table_rows = [[*place, *values] for place, values in rows.items()]
    return plain_table(wording.say("tunings", n=len(rows)), titles, table_rows, len(axes), elsewhere="cells.csv")


PLUGIN = Data
