"""The distribution of forecast errors over series, a box a class, for each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from motor.evaluation.cells import CellResult
from motor.report.document import Figure
from motor.report.plots.base import CellPlot, axis, colour, figure, plain, rounded
from motor.report.wording import Wording


class Residuals(CellPlot):
    kind: Literal["residuals"] = "residuals"
    PLACE = 50.0

    def figures(self, cell: CellResult, beside: Mapping[str, Any], wording: Wording) -> Sequence[Figure]:
        classes = list(cell.metrics["classes"])
        return [
            _figure(f"residuals-{place}", str(domain), of_label, classes, wording)
            for place, (domain, of_label) in enumerate((beside.get("residuals") or {}).items())
        ]


def _figure(
    name: str, domain: str, of_label: Mapping[str, Sequence[float]], classes: list[str], wording: Wording
) -> Figure:
    known = [label for label in classes if of_label.get(label)]
    values = np.concatenate([np.asarray(of_label[label], dtype=float) for label in known]) if known else np.ones(1)
    is_wide = values.min() > 0 and values.max() > 30 * values.min()
    data = [
        {
            "type": "box",
            "orientation": "h",
            "name": plain(label),
            "x": rounded(of_label[label], 3),
            "boxpoints": "all",
            "jitter": 0.5,
            "pointpos": 0,
            "marker": {"color": colour(classes.index(label)), "size": 4, "opacity": 0.5},
            "line": {"width": 1.5},
        }
        for label in known
    ]
    layout = {
        "xaxis": axis(wording.say("x"), type="log" if is_wide else "linear"),
        "yaxis": {"autorange": "reversed", "automargin": True},
        "showlegend": False,
        "title": {"text": plain(domain)},
    }
    return figure(name, data, layout, wording, 150 + 70 * len(known), domain=domain)


PLUGIN = Residuals
