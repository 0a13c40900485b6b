"""A window as a picture: what came, what was forecast, and what the forecaster said or looked up beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from motor.report.document import Figure
from motor.report.plots.base import FAINT, INK, axis, colour, line, plain
from motor.report.text import number
from motor.report.wording import Wording

HEIGHT = 320
Case = Mapping[str, Any]  # of `motor.stages.forecasts.worst_cases`


def drawn_window(wording: Wording, name: str, case: Case) -> Figure:
    """Return the picture of a window: its neighbours over it, its regimes beneath, its gate in words."""
    own = _curve(case["past"], case["future"], wording.say("measured"), {"color": INK, "width": 2})
    data = [own, *_forecast(wording, case), *_neighbours(wording, case), *_regimes(wording, case)]
    layout = {"height": HEIGHT, "xaxis": axis(wording.say("x")), "yaxis": axis(wording.say("y")), "showlegend": True}
    about = {"item": case["item"], "motor": case["motor"], "label": case["label"], "second": number(case["second"])}
    gate = ", ".join(f"{branch} {number(weight)}" for branch, weight in case.get("gate", {}).items())
    captions = [wording.say("caption.case")]
    captions += [wording.say("caption.neighbours")] if case["neighbours"] else []
    captions += [wording.say("caption.regimes")] if "regimes" in case else []
    captions += [wording.say("caption.gate", gate=gate)] if gate else []
    plot = {"data": data, "layout": layout, "height": HEIGHT}
    return Figure(f"window-{name}", plot, wording.say("case", **about), " ".join(captions))


def _curve(past: Sequence[float], future: Sequence[float], name: str, style: Mapping[str, Any]) -> Any:
    x = np.arange(-len(past), len(future), dtype=float)
    return line(x, np.array([*past, *future], dtype=float), plain(name), dict(style))


def _forecast(wording: Wording, case: Case) -> list[Any]:
    """Return the median and, where there are any, the outermost quantiles."""
    lines = [_curve([], case["forecast"], wording.say("forecast"), {"color": FAINT, "width": 2, "dash": "dash"})]
    bounds = [case[bound] for bound in ("low", "high") if bound in case]
    return lines + [
        _curve([], bound, wording.say("interval"), {"color": FAINT, "width": 1, "dash": "dot"}) for bound in bounds
    ]


def _neighbours(wording: Wording, case: Case) -> list[Any]:
    return [
        _curve(
            one["past"],
            one["future"],
            wording.say(
                "neighbour", motor=one["motor"], second=number(one["second"]), distance=number(one["distance"])
            ),
            {"color": colour(rank), "width": 1},
        )
        for rank, one in enumerate(case["neighbours"])
    ]


def _regimes(wording: Wording, case: Case) -> list[Any]:
    """Return how likely each regime is along the context, beneath the signal and as high as it."""
    if "regimes" not in case:
        return []
    past, posterior_LK = case["past"], np.asarray(case["regimes"], dtype=float)
    patch = -(-len(past) // len(posterior_LK))
    drawn = [*past, *case["future"]]
    height = max(drawn) - min(drawn) or 1.0
    floor = min(drawn) - 1.2 * height
    steps_LK = posterior_LK.repeat(patch, axis=0)[-len(past) :]
    return [
        line(
            np.arange(-len(past), 0, dtype=float),
            floor + height * steps_LK[:, place],
            wording.say("regime", n=place + 1),
            {"color": colour(place), "width": 1.5},
        )
        for place in range(posterior_LK.shape[1])
    ]
