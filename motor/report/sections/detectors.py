"""How well normal is told from faulty with no fault labels at all, and what labels add."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from motor.evaluation.comparisons import Difference
from motor.evaluation.detection import Detections, RecipeDetection
from motor.report.document import Block, Points, Value, plain_table
from motor.report.findings import Findings
from motor.report.sections.base import Section
from motor.report.text import number, percent, signed, with_interval
from motor.report.wording import Wording, score


class Detectors(Section):
    kind: Literal["detectors"] = "detectors"
    PLACE = 62.0
    NEEDS_CELLS = False

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        found = findings.detections
        return [] if found is None else [Points(_texts(wording, found)), *_table(wording, found)]


def _texts(wording: Wording, found: Detections) -> list[str]:
    """Say how good the best detector is, what to expect of one, and whether labels pay."""
    best = found.detectors[0]
    texts = [wording.say("best", recipe=wording.recipe(best.recipe), auc=with_interval(best.auc, best.interval))]
    if found.chosen_inside is not None:
        texts.append(wording.say("inside", auc=wording.figure(found.chosen_inside)))
    if found.gained is not None:
        values = {"gap": _gap(found.gained), "motors": wording.motors(found.gained.n_motors)}
        first = wording.recipe(found.classifiers[0].recipe)
        texts.append(wording.say(f"labels.{found.kind.replace(' ', '_')}", recipe=first, **values))
    return texts


def _gap(found: Difference) -> str:
    """Return a difference in AUC, clipped to what is possible."""
    if found.interval is None:
        return signed(found.value)
    low, high = max(found.interval[0], -1.0), min(found.interval[1], 1.0)
    return f"{signed(found.value)} [{signed(low)}, {signed(high)}]"


def _table(wording: Wording, found: Detections) -> list[Block]:
    """Return detectors and classifiers in one table, the best AUC first."""
    ordered = sorted((*found.detectors, *found.classifiers), key=lambda one: -one.auc)
    titles = wording.titles("recipe", "sort", "auc", "average_precision", "false_alarms", "faults_caught")
    rows = [_row(wording, one) for one in ordered]
    return plain_table(wording.say("table"), titles, rows, 2, elsewhere="cells.csv")


def _row(wording: Wording, detection: RecipeDetection) -> list[object]:
    rates = detection.alarms
    return [
        Value(wording.recipe(detection.recipe), is_strong=detection.sort == "detector"),
        wording.say(f"sort.{detection.sort}"),
        score(detection.auc, detection.interval),
        number(detection.average_precision),
        percent(None if rates is None else rates.false_alarms),
        percent(None if rates is None else rates.caught),
    ]


PLUGIN = Detectors
