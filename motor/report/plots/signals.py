"""Figures of one recording: waveform, spectrum, envelope spectrum, in the data's own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from motor.report.document import Block, Columns, Figure, Paragraph, Plot
from motor.report.plots.base import MARKERS, axis, colour, plain, rounded
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
        low, high), `spectrum` and `envelope_spectrum` (f_hz, amplitude), `evidence` (`motor.features.evidence.Line`).
    wording : Wording
        The words that all parts share tell of them.
    """
    text = wording.say(
        "signal" if signal["label"] != signal["predicted"] else "signal.right",
        item=signal["item"],
        motor=signal["motor"],
        domain=signal["domain"],
        label=signal["label"],
        predicted=signal["predicted"],
        probability=percent(signal.get("probability")),
        rate=f"{signal['sampling_rate_hz']:g}",
    )
    evidence = [Paragraph(_evidence(signal["evidence"], wording))] if signal.get("evidence") else []
    if "velocity_mm_s" in signal:
        key = "signal.zone" if "iso_zone" in signal else "signal.velocity"
        velocity = f"{signal['velocity_mm_s']:.2g}"
        evidence.insert(0, Paragraph(wording.say(key, velocity=velocity, zone=signal.get("iso_zone", ""))))
    return [Paragraph(text), *evidence, Columns([[figure] for figure in signal_figures(name, signal, wording)])]


def _evidence(lines: Sequence[Mapping[str, Any]], wording: Wording) -> str:
    """Return the strongest lines in a sentence."""
    texts = [
        wording.say(
            "signal.line" if line["stands_out"] else "signal.line_weak",
            part=_part(line, wording),
            order=f"{line['order']:.3g}",
            hertz=f"{line['hertz']:.4g}",
            height=f"{line['height_db']:.0f}",
        )
        for line in lines
    ]
    return wording.say("signal.evidence", lines=wording.listed(texts))


def _part(line: Mapping[str, Any], wording: Wording) -> str:
    return wording.say(f"part.{line['component'] or 'unknown'}")


def signal_figures(name: str, signal: Mapping[str, Any], wording: Wording) -> list[Figure]:
    """Return the figures of a recording."""
    unit, plots = plain(signal["unit"]), dict[str, Plot]()
    if signal.get("waveform"):
        plots["waveform"] = _waveform(signal["waveform"], unit, wording)
    for place, key in enumerate(("spectrum", "envelope_spectrum"), start=1):
        if signal.get(key):
            plots[key] = _spectrum(signal[key], key, colour(place), unit, wording)
    if "envelope_spectrum" in plots:
        plots["envelope_spectrum"]["data"] += _marks(signal.get("evidence", ()), signal["envelope_spectrum"], wording)
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


def _marks(lines: Sequence[Mapping[str, Any]], spectrum: Mapping[str, Any], wording: Wording) -> list[Plot]:
    """Mark where lines that stand out, and their multiples, lie in a spectrum."""
    data = []
    for place, line in enumerate(line for line in lines if line["stands_out"]):
        f_hz = [k * line["hertz"] for k in (1, 2, 3) if k * line["hertz"] <= spectrum["f_hz"][-1]]
        nearest = [min(range(len(spectrum["f_hz"])), key=lambda at: abs(spectrum["f_hz"][at] - f)) for f in f_hz]
        marker = {"color": colour(place + 3), "size": 10, "symbol": MARKERS[place + 4]}
        shared = {"type": "scatter", "mode": "markers", "marker": marker, "cliponaxis": False}
        y = rounded([spectrum["amplitude"][at] for at in nearest])
        data.append({**shared, "x": rounded(f_hz, 5), "y": y, "name": _part(line, wording)})
    return data


def _plot(data: list[Plot], x: Plot, y: Plot, key: str, wording: Wording) -> Plot:
    title = {"text": wording.say(f"signal.{key}")}
    layout = {"height": HEIGHT, "xaxis": x, "yaxis": y, "showlegend": False, "title": title}
    return {"data": data, "layout": layout, "height": HEIGHT}
