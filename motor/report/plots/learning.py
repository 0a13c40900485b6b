"""The error on validation motors as the fine-tune goes on, a curve a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from motor.evaluation.cells import CellResult
from motor.report.document import Figure
from motor.report.plots.base import CellPlot, axis, colour, figure, line, plain
from motor.report.wording import Wording


class Learning(CellPlot):
    kind: Literal["learning"] = "learning"
    PLACE = 45.0

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        data = [
            line(np.array(curve["step"], dtype=float), np.array(curve["loss"], dtype=float), plain(name), _style(place))
            for place, (name, curve) in enumerate((beside.get("learning") or {}).items())
        ]
        layout = {"xaxis": axis(wording.say("x")), "yaxis": axis(wording.say("y")), "showlegend": len(data) > 1}
        return [figure("learning", data, layout, wording, 340)] if data else []


def _style(place: int) -> dict[str, Any]:
    return {"color": colour(place), "width": 2}


PLUGIN = Learning
