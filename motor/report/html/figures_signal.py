"""Figures of one recording that a cell got wrong: waveform, spectrum, envelope spectrum, in the data's own units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from motor.report.html.figures import Plot, axis, colour, plain, plot, rounded
from motor.report.html.words import Words


def signal_figures(signal: Mapping[str, Any], said: Words) -> list[Plot]:
    """Return the three figures of a signal; those that it has no data for are left out.

    Parameters
    ----------
    signal : mapping
        `item`, `unit`, `waveform` (t_s, low, high), `spectrum` and `envelope_spectrum` (f_hz, amplitude).
    said : Words
        The page's words.
    """
    unit, item = plain(signal["unit"]), str(signal["item"])
    figures = []
    if signal.get("waveform"):
        figures.append(_waveform(signal["waveform"], unit, item, said))
    for place, key in enumerate(("spectrum", "envelope_spectrum"), start=1):
        if signal.get(key):
            figures.append(_spectrum(signal[key], key, colour(place), unit, item, said))
    return figures


def _waveform(waveform: Mapping[str, Any], unit: str, item: str, said: Words) -> Plot:
    """Draw the range of the samples in each stretch of time."""
    shared = {"type": "scatter", "mode": "lines", "x": rounded(waveform["t_s"], 5)}
    line = {"color": colour(0), "width": 1}
    data = [
        {**shared, "y": rounded(waveform["low"]), "line": line, "name": said.say("plot_least")},
        {**shared, "y": rounded(waveform["high"]), "line": line, "name": said.say("plot_greatest"), "fill": "tonexty"},
    ]
    layout = {
        "xaxis": axis(said.say("plot_time")),
        "yaxis": axis(said.say("plot_amplitude", unit=unit)),
        "showlegend": False,
        "title": {"text": said.say("plot_title_waveform")},
    }
    return plot(data, layout, said.say("plot_waveform", item=item), 240)


def _spectrum(spectrum: Mapping[str, Any], key: str, of_colour: str, unit: str, item: str, said: Words) -> Plot:
    trace = {"type": "scatter", "mode": "lines", "line": {"color": of_colour, "width": 1}}
    data = [{**trace, "x": rounded(spectrum["f_hz"], 5), "y": rounded(spectrum["amplitude"])}]
    layout = {
        "xaxis": axis(said.say("plot_frequency")),
        "yaxis": axis(said.say("plot_amplitude", unit=unit), rangemode="tozero"),
        "showlegend": False,
        "title": {"text": said.say(f"plot_title_{key}")},
    }
    return plot(data, layout, said.say(f"plot_{key}", item=item), 240)
