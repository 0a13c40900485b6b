"""What became of series that nobody labelled: how many were labelled by a recipe, how surely, and how right it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.cells import CellResult
from motor.report.document import Block, Points, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import number, percent
from motor.report.wording import Wording

REFUSALS = ("too_few_normal", "majority_not_normal", "nothing_proven")


class FewLabels(Section):
    kind: Literal["few_labels"] = "few_labels"
    PLACE = 63.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        cells = [cell for cell in (*findings.cells, *findings.others) if cell.metrics.get("pseudo_labels")]
        transductive = [cell for cell in findings.others if cell.axes.get("unlabelled_motors") == "all"]
        told = [wording.say("transductive", n=len(transductive))] if transductive else []
        if not cells:
            return [Points(told)] if told else []
        titles = wording.titles("recipe", "unlabelled", "taken", "asked", "lower", "true", "normal_share", "refused")
        rows = [_row(wording, cell) for cell in cells]
        n_refused = sum(not sum(fold["n_taken"] for fold in _folds(cell)) for cell in cells)
        points = Points([wording.say("refused_cells", n=n_refused, of=len(cells)), *told])
        return [points, *plain_table(wording.say("table"), titles, rows, 1, elsewhere="cells.csv")]


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
