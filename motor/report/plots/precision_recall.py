"""Precision against recall: each class against the rest, and faulty against normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from motor.evaluation.cells import CellResult
from motor.report.document import Figure
from motor.report.plots.base import CellPlot, contests, figure, line, plain, unit_square, working_point
from motor.report.plots.curves import curve_points
from motor.report.plots.rates import contest_rates
from motor.report.text import number
from motor.report.wording import Wording


class PrecisionRecall(CellPlot):
    kind: Literal["precision_recall"] = "precision_recall"
    PLACE = 20.0

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        data = []
        faulty = wording.say("faulty")
        for (name, _, style, *_), of_it in zip(contests(cell, faulty), contest_rates(cell, faulty), strict=True):
            _, recall, precision = of_it
            average = float(np.sum(np.diff(recall) * precision[1:]))
            legend = wording.say("curve", name=plain(name), value=number(average))
            data.append(line(*curve_points(recall, precision), legend, style))
        if not data:
            return []
        predictions = cell.predictions
        if "alarm" in predictions.columns and (alarm := predictions["alarm"].to_numpy(dtype=bool)).any():
            precision_there = float((predictions["label"].to_numpy()[alarm] != cell.metrics["normal"]).mean())
            data += working_point(cell.metrics.get("detection_rate"), precision_there, wording.say("alarm"))
        return [figure("pr", data, unit_square(wording.say("x"), wording.say("y")), wording)]


PLUGIN = PrecisionRecall
