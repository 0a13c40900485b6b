"""Figures of one cell: curves, calibration, alarms, forecast errors, t-SNE.

Shapes: n series, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.cells import CellResult
from motor.report.html.figures import (
    DASHES,
    FAINT,
    INK,
    MARKERS,
    N_COLOURS,
    Plot,
    axis,
    colour,
    plain,
    plot,
    rounded,
)
from motor.report.html.words import Words

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 80  # of a curve
N_BINS = 10
MOST_MOTORS_NAMED = 16  # in a legend
Floats = NDArray[np.float64]


def cell_figures(cell: CellResult, details: Mapping[str, Any], said: Words) -> dict[str, Plot]:
    """Return the figures of a cell that its data allow, by name.

    Parameters
    ----------
    cell : CellResult
        Its predictions and metrics are drawn.
    details : mapping
        What was gathered of it beside: `tsne`, `residuals`, each of which may be missing.
    said : Words
        The page's words.
    """
    figures: dict[str, Plot | None] = {
        "roc": roc_figure(cell, said),
        "pr": pr_figure(cell, said),
        "calibration": calibration_figure(cell, said),
        "alarms": alarms_figure(cell, said),
    }
    for place, (domain, of_label) in enumerate((details.get("residuals") or {}).items()):
        figures[f"residuals-{place}"] = residuals_figure(cell, str(domain), of_label, said)
    points = details.get("tsne") or []
    if points:
        figures["tsne-label"] = tsne_figure(points, "label", list(cell.metrics["classes"]), said)
        figures["tsne-motor"] = tsne_figure(points, "motor", sorted({str(point["motor"]) for point in points}), said)
    return {name: figure for name, figure in figures.items() if figure is not None}


def curve_points(x_n: Floats, y_n: Floats, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
    """Thin a curve to `most` points: those that lie farthest from the line between the points that are kept.

    Parameters
    ----------
    x_n, y_n : ndarray of shape (n,)
        The curve, point by point.
    most : int
        How many points to keep; the first and the last always.

    Returns
    -------
    x, y : ndarray of shape (min(n, most),)
        Points of the curve (Ramer 1972, Computer Graphics and Image Processing 1, 244-256).
    """
    kept = {0, len(x_n) - 1}
    while len(kept) < min(most, len(x_n)):
        chosen = np.array(sorted(kept))
        t = np.arange(len(x_n), dtype=float)
        # Farthest both ways: a step of a ROC curve is vertical, so no distance along one axis alone would do.
        distance = np.abs(x_n - np.interp(t, chosen, x_n[chosen])) + np.abs(y_n - np.interp(t, chosen, y_n[chosen]))
        farthest = int(distance.argmax())
        if distance[farthest] < 1e-9:
            break
        kept.add(farthest)
    places = np.array(sorted(kept))
    return x_n[places], y_n[places]


def roc_figure(cell: CellResult, said: Words) -> Plot | None:
    """Return ROC curves, each class against the rest and faulty against normal; None where no side has series."""
    from sklearn.metrics import roc_curve

    data = []
    for name, area, style, score_n, is_positive_n in _contests(cell, said):
        false_rate, true_rate, _ = roc_curve(is_positive_n, score_n)
        x, y = curve_points(false_rate, true_rate)
        told = said.say("plot_auc", name=plain(name), value=_number(area["roc_auc"]))
        data.append(_line(x, y, told, style))
    if not data:
        return None
    metrics = cell.metrics
    data.append(_diagonal(said.say("plot_chance")))
    data += _working_point(metrics["false_alarm_rate"], metrics["detection_rate"], said)
    layout = _unit_square(said.say("plot_false_rate"), said.say("plot_true_rate"))
    return plot(data, layout, said.say("plot_roc"), 420)


def pr_figure(cell: CellResult, said: Words) -> Plot | None:
    """Return precision-recall curves, each class against the rest and faulty against normal."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    data = []
    for name, _, style, score_n, is_positive_n in _contests(cell, said):
        precision, recall, _ = precision_recall_curve(is_positive_n, score_n)
        x, y = curve_points(recall, precision)
        average = float(average_precision_score(is_positive_n, score_n))
        data.append(_line(x, y, said.say("plot_ap", name=plain(name), value=_number(average)), style))
    if not data:
        return None
    predictions = cell.predictions
    if "alarm" in predictions.columns and (alarm := predictions["alarm"].to_numpy(dtype=bool)).any():
        precision = float((predictions["label"].to_numpy()[alarm] != cell.metrics["normal"]).mean())
        data += _working_point(cell.metrics["detection_rate"], precision, said)
    layout = _unit_square(said.say("plot_recall"), said.say("plot_precision"))
    return plot(data, layout, said.say("plot_pr"), 420)


def calibration_figure(cell: CellResult, said: Words) -> Plot | None:
    """Return how often what is said with a probability is so, each class against the rest and faulty against normal."""
    data = []
    for name, _, style, score_n, is_positive_n in _contests(cell, said):
        said_B, came_B, count_B = calibration_bins(score_n, is_positive_n)
        trace = _line(said_B, came_B, plain(name), style)
        trace |= {"mode": "lines+markers", "text": [said.say("plot_series", n=int(count)) for count in count_B]}
        data.append(trace)
    if not data:
        return None
    data.append(_diagonal(said.say("plot_calibrated")))
    layout = _unit_square(said.say("plot_said"), said.say("plot_came"))
    return plot(data, layout, said.say("plot_calibration"), 420)


def calibration_bins(
    score_n: Floats, is_positive_n: NDArray[np.bool_], n_bins: int = N_BINS
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return mean probability, share that came true, and series of each bin; bins hold about as many series each.

    Parameters
    ----------
    score_n : ndarray of shape (n,)
        Probabilities.
    is_positive_n : ndarray of shape (n,)
        Whether it came true.
    n_bins : int
        At most so many bins; equal probabilities share one.
    """
    edges = np.unique(np.quantile(score_n, np.linspace(0, 1, n_bins + 1)[1:-1]))
    bin_n = np.searchsorted(edges, score_n, side="right")
    count = np.bincount(bin_n, minlength=len(edges) + 1)
    held = count > 0
    mean = np.bincount(bin_n, score_n, len(count))[held] / count[held]
    came = np.bincount(bin_n, is_positive_n.astype(float), len(count))[held] / count[held]
    return mean, came, count[held]


def alarms_figure(cell: CellResult, said: Words) -> Plot | None:
    """Return every series by class and fault score, filled where it raised an alarm; None without thresholds."""
    predictions, classes = cell.predictions, list(cell.metrics["classes"])
    if "alarm" not in predictions.columns:
        return None
    score_n = 1.0 - predictions[f"probability_{cell.metrics['normal']}"].to_numpy(dtype=float)
    place_n = np.array([classes.index(label) for label in predictions["label"]], dtype=float)
    # A fixed scatter, so that the page is the same in a rerun: the golden ratio's multiples fill an interval evenly.
    place_n += 0.5 * ((np.arange(len(place_n)) * 0.6180339887) % 1.0) - 0.25
    alarm_n = predictions["alarm"].to_numpy(dtype=bool)
    data = []
    for key, chosen_n, symbol, number in (("alarm", alarm_n, "circle", 1), ("no_alarm", ~alarm_n, "circle-open", 0)):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": said.say(f"plot_{key}"),
                "x": rounded(score_n[chosen_n], 3),
                "y": rounded(place_n[chosen_n], 3),
                "text": [plain(item) for item in predictions["item"].to_numpy()[chosen_n]],
                "hovertemplate": "%{text}<br>%{x}<extra></extra>",
                "marker": {"color": colour(number), "symbol": symbol, "size": 7},
            }
        )
    layout = {
        "xaxis": axis(said.say("plot_fault_score"), range=[-0.03, 1.03]),
        "yaxis": {
            "tickvals": list(range(len(classes))),
            "ticktext": [plain(name) for name in classes],
            "range": [len(classes) - 0.5, -0.5],
            "automargin": True,
            "zeroline": False,
        },
    }
    return plot(data, layout, said.say("plot_alarms"), 160 + 70 * len(classes))


def residuals_figure(cell: CellResult, domain: str, of_label: Mapping[str, Sequence[float]], said: Words) -> Plot:
    """Return the distribution of forecast errors over series, a box a class."""
    classes = list(cell.metrics["classes"])
    known = [name for name in classes if of_label.get(name)]
    values = np.concatenate([np.asarray(of_label[name], dtype=float) for name in known]) if known else np.ones(1)
    is_wide = values.min() > 0 and values.max() > 30 * values.min()
    data = [
        {
            "type": "box",
            "orientation": "h",
            "name": plain(name),
            "x": rounded(of_label[name], 3),
            "boxpoints": "all",
            "jitter": 0.5,
            "pointpos": 0,
            "marker": {"color": colour(classes.index(name)), "size": 4, "opacity": 0.5},
            "line": {"width": 1.5},
        }
        for name in known
    ]
    layout = {
        "xaxis": axis(said.say("plot_error"), type="log" if is_wide else "linear"),
        "yaxis": {"autorange": "reversed", "automargin": True},
        "showlegend": False,
        "title": {"text": plain(domain)},
    }
    return plot(data, layout, said.say("plot_residuals", domain=domain), 150 + 70 * len(known))


def tsne_figure(points: Sequence[Mapping[str, Any]], by: str, names: Sequence[str], said: Words) -> Plot:
    """Return the points of a t-SNE, coloured by `label` or by `motor`."""
    data = []
    for place, name in enumerate(names):
        of_name = [point for point in points if str(point[by]) == name]
        if of_name:
            symbol = MARKERS[place % len(MARKERS) if by == "label" else place // N_COLOURS % len(MARKERS)]
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": plain(name),
                    "x": rounded([point["x"] for point in of_name]),
                    "y": rounded([point["y"] for point in of_name]),
                    "text": [plain(_point_text(point)) for point in of_name],
                    "hoverinfo": "text",
                    "marker": {"color": colour(place), "symbol": symbol, "size": 7},
                }
            )
    hidden = {"showticklabels": False, "zeroline": False, "ticks": ""}
    layout = {
        "xaxis": {**hidden},
        "yaxis": {**hidden, "scaleanchor": "x"},
        "showlegend": len(names) <= MOST_MOTORS_NAMED,
        "hovermode": "closest",
    }
    return plot(data, layout, said.say(f"plot_tsne_{by}"), 420)


def _point_text(point: Mapping[str, Any]) -> str:
    return ", ".join(str(point[key]) for key in ("item", "motor", "domain", "label") if point.get(key))


def _contests(cell: CellResult, said: Words) -> list[tuple[str, dict[str, Any], Plot, Floats, NDArray[np.bool_]]]:
    """List name, metrics, line, score and truth: faulty against normal, then each class against the rest."""
    predictions: pd.DataFrame = cell.predictions
    metrics, label_n = cell.metrics, predictions["label"].to_numpy()
    normal = metrics["normal"]
    found = [
        (
            said.say("faulty"),
            {"roc_auc": metrics["roc_auc_faulty"]},
            {"color": INK, "width": 2.5},
            1.0 - predictions[f"probability_{normal}"].to_numpy(dtype=float),
            label_n != normal,
        )
    ]
    for place, name in enumerate(metrics["classes"]):
        line = {"color": colour(place), "dash": DASHES[place % len(DASHES)], "width": 2}
        score = predictions[f"probability_{name}"].to_numpy(dtype=float)
        found.append((str(name), {"roc_auc": metrics["roc_auc"][name]}, line, score, label_n == name))
    return [contest for contest in found if contest[4].any() and not contest[4].all()]


def _line(x: Floats, y: Floats, name: str, style: Plot) -> Plot:
    return {"type": "scatter", "mode": "lines", "x": rounded(x), "y": rounded(y), "name": name, "line": style}


def _diagonal(name: str) -> Plot:
    line = {"color": FAINT, "width": 1}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "name": name,
        "line": line,
        "hoverinfo": "skip",
    }


def _working_point(x: float | None, y: float | None, said: Words) -> list[Plot]:
    """Mark where the alarm works."""
    if x is None or y is None:
        return []
    marker = {"color": INK, "size": 12, "symbol": "star"}
    trace = {"type": "scatter", "mode": "markers", "name": said.say("plot_alarm_point"), "marker": marker}
    return [{**trace, "x": rounded([x]), "y": rounded([y]), "cliponaxis": False}]


def _unit_square(x_title: str, y_title: str) -> Plot:
    return {
        "xaxis": axis(x_title, range=[-0.02, 1.02], constrain="domain"),
        "yaxis": axis(y_title, range=[-0.02, 1.02]),
        "hovermode": "closest",
    }


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
