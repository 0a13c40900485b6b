"""Figures of one recording: waveform, spectrum, envelope spectrum, in the data's own units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motor.report.document import Block, Columns, Figure, Paragraph, Plot
from motor.report.plots.base import axis, colour, plain, rounded
from motor.report.text import percent
from motor.report.wording import Wording

HEIGHT = 240


def signal_blocks(name: str, signal: Mapping[str, Any], wording: Wording) -> list[Block]:
    """Return what a recording is, what it was named, and its three figures; those that it has no data for are left out.

    Parameters
    ----------
    name : str
        Unique among the signals.
    signal : mapping
        `item`, `motor`, `domain`, `label`, `predicted`, `probability`, `sampling_rate_hz`, `unit`, `waveform` (t_s,
        low, high), `spectrum` and `envelope_spectrum` (f_hz, amplitude).
    wording : Wording
        The words that all parts share tell of them.
    """
    told = wording.say(
        "signal" if signal["label"] != signal["predicted"] else "signal.right",
        item=signal["item"],
        motor=signal["motor"],
        domain=signal["domain"],
        label=signal["label"],
        predicted=signal["predicted"],
        probability=percent(signal.get("probability")),
        rate=f"{signal['sampling_rate_hz']:g}",
    )
    return [Paragraph(told), Columns([[figure] for figure in signal_figures(name, signal, wording)])]


def signal_figures(name: str, signal: Mapping[str, Any], wording: Wording) -> list[Figure]:
    """Return the figures of a recording."""
    unit, plots = plain(signal["unit"]), dict[str, Plot]()
    if signal.get("waveform"):
        plots["waveform"] = _waveform(signal["waveform"], unit, wording)
    for place, key in enumerate(("spectrum", "envelope_spectrum"), start=1):
        if signal.get(key):
            plots[key] = _spectrum(signal[key], key, colour(place), unit, wording)
    return [
        Figure(
            f"{name}/{key}", plot, wording.say(f"signal.{key}_of", item=signal["item"]), is_shared=True, is_aside=True
        )
        for key, plot in plots.items()
    ]


def _waveform(waveform: Mapping[str, Any], unit: str, wording: Wording) -> Plot:
    """Draw the range of the samples in each stretch of time."""
    shared = {"type": "scatter", "mode": "lines", "x": rounded(waveform["t_s"], 5)}
    line = {"color": colour(0), "width": 1}
    data = [
        {**shared, "y": rounded(waveform["low"]), "line": line, "name": wording.say("signal.least")},
        {
            **shared,
            "y": rounded(waveform["high"]),
            "line": line,
            "name": wording.say("signal.greatest"),
            "fill": "tonexty",
        },
    ]
    return _plot(
        data, axis(wording.say("signal.time")), axis(wording.say("signal.amplitude", unit=unit)), "waveform", wording
    )


def _spectrum(spectrum: Mapping[str, Any], key: str, of_colour: str, unit: str, wording: Wording) -> Plot:
    trace = {"type": "scatter", "mode": "lines", "line": {"color": of_colour, "width": 1}}
    data = [{**trace, "x": rounded(spectrum["f_hz"], 5), "y": rounded(spectrum["amplitude"])}]
    y = axis(wording.say("signal.amplitude", unit=unit), rangemode="tozero")
    return _plot(data, axis(wording.say("signal.frequency")), y, key, wording)


def _plot(data: list[Plot], x: Plot, y: Plot, key: str, wording: Wording) -> Plot:
    title = {"text": wording.say(f"signal.{key}")}
    layout = {"height": HEIGHT, "xaxis": x, "yaxis": y, "showlegend": False, "title": title}
    return {"data": data, "layout": layout, "height": HEIGHT}
