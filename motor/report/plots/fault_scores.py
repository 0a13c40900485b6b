"""Every series by class and fault score, filled where it raised an alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from motor.evaluation.cells import CellResult
from motor.evaluation.sheet import fault_scores
from motor.report.document import Figure
from motor.report.plots.base import CellPlot, axis, colour, figure, plain, rounded
from motor.report.wording import Wording


class FaultScores(CellPlot):
    kind: Literal["fault_scores"] = "fault_scores"
    PLACE = 40.0

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        predictions, classes = cell.predictions, list(cell.metrics["classes"])
        score_n = fault_scores(predictions, cell.metrics["normal"])
        if "alarm" not in predictions.columns or score_n is None:
            return []
        code = {name: place for place, name in enumerate(classes)}
        place_n = np.array([code[label] for label in predictions["label"].tolist()], dtype=float)
        # A fixed scatter, so that a rerun gives the same: the golden ratio's multiples fill an interval evenly.
        place_n += 0.5 * ((np.arange(len(place_n)) * 0.6180339887) % 1.0) - 0.25
        alarm_n = predictions["alarm"].to_numpy(dtype=bool)
        items = predictions["item"].to_numpy()
        data = [
            {
                "type": "scatter",
                "mode": "markers",
                "name": wording.say(key),
                "x": rounded(score_n[chosen_n], 3),
                "y": rounded(place_n[chosen_n], 3),
                "text": [plain(item) for item in items[chosen_n]],
                "hovertemplate": "%{text}<br>%{x}<extra></extra>",
                "marker": {"color": colour(number), "symbol": symbol, "size": 7},
            }
            for key, chosen_n, symbol, number in (
                ("alarm", alarm_n, "circle", 1),
                ("no_alarm", ~alarm_n, "circle-open", 0),
            )
        ]
        layout = {
            "xaxis": axis(wording.say("x")),
            "yaxis": {
                "tickvals": list(range(len(classes))),
                "ticktext": [plain(name) for name in classes],
                "range": [len(classes) - 0.5, -0.5],
                "automargin": True,
                "zeroline": False,
            },
        }
        return [figure("fault-scores", data, layout, wording, 160 + 70 * len(classes))]


PLUGIN = FaultScores
