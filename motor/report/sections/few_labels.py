"""What became of series that nobody labelled, what they added, and how the figure grows with the labelled share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from motor.evaluation.cells import CellResult
from motor.report.document import Block, Figure, Heading, Points, plain_table
from motor.report.findings import Findings
from motor.report.findings.few_labels import NONE, Added, added_by_unlabelled, curves
from motor.report.plots.base import axis, colour, line, plain
from motor.report.sections.base import Section
from motor.report.text import DASH, number, percent
from motor.report.wording import Wording

REFUSALS = ("too_few_normal", "majority_not_normal", "nothing_proven")


class FewLabels(Section):
    kind: Literal["few_labels"] = "few_labels"
    PLACE = 63.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        cells = [cell for cell in (*findings.cells, *findings.others) if cell.metrics.get("pseudo_labels")]
        transductive = [cell for cell in findings.others if cell.axes.get("unlabelled_motors") == "all"]
        texts = [wording.say("transductive", n=len(transductive))] if transductive else []
        return [*_labelled(wording, cells, texts), *_added(wording), *_curves(wording)]


def _labelled(wording: Wording, cells: Sequence[CellResult], texts: Sequence[str]) -> list[Block]:
    """Tell what was labelled by whom, and what was refused."""
    if not cells:
        return [Points(texts)] if texts else []
    titles = wording.titles("recipe", "unlabelled", "taken", "asked", "lower", "true", "normal_share", "refused")
    rows = [_row(wording, cell) for cell in cells]
    n_refused = sum(not sum(fold["n_taken"] for fold in _folds(cell)) for cell in cells)
    points = Points([wording.say("refused_cells", n=n_refused, of=len(cells)), *texts])
    return [points, *plain_table(wording.say("table"), titles, rows, 1, elsewhere="cells.csv")]


def _added(wording: Wording) -> list[Block]:
    """Say head by head what unlabelled series added."""
    found = added_by_unlabelled(wording.findings.cells, wording.findings.scores)
    titles = [*wording.titles("head", "share", "labeller", "without", "with", "gain", "reading")]
    return plain_table(wording.say("added"), titles, [_gain(wording, one) for one in found], 3)


def _gain(wording: Wording, found: Added) -> list[object]:
    share = DASH if found.share is None else f"{found.share:g}"
    means = number(found.without), number(found.with_it)
    difference = found.difference
    return [found.head, share, found.labeller, *means, wording.gap(difference), wording.reading(difference)]


def _curves(wording: Wording) -> list[Block]:
    """Draw the figure over the labelled share, with and without unlabelled series."""
    found = curves(wording.findings.cells, wording.findings.scores)
    if not found:
        return []
    names = {labeller: wording.say("without") if labeller == NONE else labeller for labeller in found}
    data = [
        line(np.array([*curve]), np.array([*curve.values()]), plain(names[labeller]), {"color": colour(place)})
        for place, (labeller, curve) in enumerate(found.items())
    ]
    layout = {"xaxis": axis(wording.say("x")), "yaxis": axis(wording.metric), "height": 360}
    plot = {"data": [{**trace, "mode": "lines+markers"} for trace in data], "layout": layout, "height": 360}
    shares = sorted({share for curve in found.values() for share in curve})
    titles = [wording.say("column.labeller"), *(f"{share:g}" for share in shares)]
    rows = [[names[name], *(number(curve.get(share)) for share in shares)] for name, curve in found.items()]
    figure = Figure("labelled-share", plot, wording.say("curve"), wording.say("curve_caption"))
    return [Heading(wording.say("curve")), figure, *plain_table(wording.say("curve"), titles, rows)]


def _folds(cell: CellResult) -> Sequence[Mapping[str, Any]]:
    folds: Sequence[Mapping[str, Any]] = cell.metrics["pseudo_labels"]["folds"]
    return folds


def _row(wording: Wording, cell: CellResult) -> list[object]:
    folds = _folds(cell)
    lower = [proof["lower"] for fold in folds for proof in fold["classes"].values() if proof["is_proven"]]
    right = [(fold["true_precision"], fold["n_taken"]) for fold in folds if fold["true_precision"] is not None]
    n_right = sum(n_taken for _, n_taken in right)
    shares = [fold["notes"]["normal_share"] for fold in folds if "normal_share" in fold["notes"]]
    return [
        wording.axes(cell.axes, tuple(cell.axes)),
        sum(fold["n_unlabelled"] for fold in folds),
        sum(fold["n_taken"] for fold in folds),
        number(folds[0]["asked_precision"]),
        number(min(lower) if lower else None),
        number(sum(share * n_taken for share, n_taken in right) / n_right if n_right else None),
        percent(sum(shares) / len(shares) if shares else None),
        wording.say("list.separator").join(dict.fromkeys(_refusal(wording, fold["refused"]) for fold in folds)),
    ]


def _refusal(wording: Wording, refused: str) -> str:
    """Return why a fold took no label: a kind that the catalogue knows, or what a cut said."""
    return wording.say(f"refused.{refused}") if refused in REFUSALS else refused


PLUGIN = FewLabels
