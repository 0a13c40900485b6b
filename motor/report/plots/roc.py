"""ROC curves: each class against the rest, and faulty against normal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from motor.evaluation.cells import CellResult
from motor.report.document import Figure
from motor.report.plots.base import CellPlot, contests, diagonal, figure, line, plain, unit_square, working_point
from motor.report.plots.curves import curve_points
from motor.report.plots.rates import contest_rates
from motor.report.text import number
from motor.report.wording import Wording


class Roc(CellPlot):
    kind: Literal["roc"] = "roc"
    PLACE = 10.0

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        data = []
        faulty = wording.say("faulty")
        for (name, area, style, *_), of_it in zip(contests(cell, faulty), contest_rates(cell, faulty), strict=True):
            false_rate, recall, _ = of_it
            legend = wording.say("curve", name=plain(name), value=number(area))
            data.append(line(*curve_points(false_rate, recall), legend, style))
        if not data:
            return []
        data.append(diagonal(wording.say("chance")))
        metrics = cell.metrics
        data += working_point(metrics.get("false_alarm_rate"), metrics.get("detection_rate"), wording.say("alarm"))
        return [figure("roc", data, unit_square(wording.say("x"), wording.say("y")), wording)]


PLUGIN = Roc
