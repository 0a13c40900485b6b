"""ROC and precision-recall curves: each class against the rest, and normal against faulty."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.cell_metrics import check_predictions
from motor.evaluation.figures.frames import KEPT, Frame, framed, framing
from motor.evaluation.figures.style import COLOURS, LINES, Edges, drawable
from motor.evaluation.sheet import fault_scores

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

EDGES: Edges = {"left": 0.074, "bottom": 0.107, "right": 0.972, "top": 0.94, "wspace": 0.255}
Curve = tuple[str, str, str, NDArray[np.float64], NDArray[np.bool_]]  # name, colour, line, score, positive


def roc_pr_figure(path: Path, predictions: pd.DataFrame, classes: tuple[str, ...], normal: str) -> None:
    """Draw ROC curves (left) and precision-recall curves (right); the dot is the alarm's threshold.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    predictions : DataFrame
        As for `classification_metrics`.
    classes : tuple of str
        All classes.
    normal : str
        The normal class. "faulty" is every other one, scored by 1 - p(normal) or by a detector.

    Raises
    ------
    ValueError
        If the table cannot be evaluated (see `classification_metrics`).
    """
    check_predictions(predictions, classes, normal)
    curves = [curve for curve in _curves(predictions, classes, normal) if curve[4].any() and not curve[4].all()]
    with _frame(bool(normal)).drawing(path) as (left, right):
        for name, colour, line, score, positive in curves:
            false_rate, recall, precision = _rates(score, positive)
            # Trapezium rule: equals the Mann-Whitney AUC of the metrics, ties included.
            area = float(np.trapezoid(recall, false_rate))
            average = float(np.sum(np.diff(recall) * precision[1:]))
            left.plot(false_rate, recall, line, color=colour, label=f"{name}, AUC {area:.2f}")
            right.plot(recall[1:], precision[1:], line, color=colour, label=f"{name}, AP {average:.2f}")
        if normal:
            _operating_point(left, right, predictions, normal)
            _chance(right, float((predictions["label"] != normal).mean()))
        left.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, zorder=0)
        left.text(0.62, 0.57, "chance", color="0.5", rotation=40, fontsize=8)
        for axis in (left, right):
            _legend(axis, is_left=axis is left)


@lru_cache(maxsize=KEPT)
def _frame(has_normal: bool) -> Frame:
    """Return the figure without the curves."""
    with framing(9.4, 4.5, EDGES) as figure:
        left, right = figure.subplots(1, 2)
        left.set(xlabel="false-positive rate (share of the rest)", ylabel="true-positive rate (share found)")
        left.set_title("ROC: each class against the rest" + (", and faulty against normal" if has_normal else ""))
        right.set(xlabel="recall (share found)", ylabel="precision (share of what is named that is right)")
        right.set_title("Precision and recall")
        for axis in (left, right):
            axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    return framed((left, right))


def _curves(predictions: pd.DataFrame, classes: tuple[str, ...], normal: str) -> list[Curve]:
    """List all curves: normal against faulty in black, then, of a classifier, each class against the rest."""
    names = drawable(classes)
    label = predictions["label"].to_numpy()
    score = fault_scores(predictions, normal)
    curves: list[Curve] = [] if score is None else [("faulty", "black", "-", score, label != normal)]
    if "score" in predictions.columns:
        return curves  # a detector tells no classes apart
    for index, name in enumerate(classes):
        score = predictions[f"probability_{name}"].to_numpy(dtype=float)
        colour, line = COLOURS[index % len(COLOURS)], LINES[(index + 1) % len(LINES)]
        curves.append((names[name], colour, line, score, label == name))
    return curves


def _rates(
    score_n: NDArray[np.float64], positive_n: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return false-positive rate, recall and precision at each distinct score, from none to all positive."""
    order = np.argsort(-score_n, kind="stable")
    ends = np.flatnonzero(np.diff(score_n[order], append=np.nan) != 0)
    hits = np.concatenate([[0], np.cumsum(positive_n[order])[ends]])
    misses = np.concatenate([[0], ends + 1]) - hits
    precision = np.divide(hits, hits + misses, out=np.ones(len(hits)), where=hits + misses > 0)
    return misses / misses[-1], hits / hits[-1], precision


def _operating_point(left: Axes, right: Axes, predictions: pd.DataFrame, normal: str) -> None:
    """Mark where the alarm works, if a threshold was applied and both sides have series."""
    is_faulty = predictions["label"].to_numpy() != normal
    if "alarm" not in predictions.columns or is_faulty.all() or not is_faulty.any():
        return
    alarm = predictions["alarm"].to_numpy(dtype=bool)
    false_alarms, detected = alarm[~is_faulty].mean(), alarm[is_faulty].mean()
    text = f"alarm: {100 * false_alarms:.1f} % false, {100 * detected:.1f} % caught"
    style: dict[str, Any] = {"color": "black", "marker": "o", "linestyle": "none", "zorder": 5, "clip_on": False}
    left.plot(false_alarms, detected, label=text, **style)
    if alarm.any():
        right.plot(detected, is_faulty[alarm].mean(), label="alarm", **style)


def _chance(right: Axes, faulty_share: float) -> None:
    """Draw what chance would give of faulty against normal."""
    right.axhline(faulty_share, xmin=0.005, color="0.7", linewidth=0.8, zorder=0)  # beside the spine
    right.text(0.0, faulty_share + 0.015, "chance, faulty", color="0.5", fontsize=8)


def _legend(axis: Axes, is_left: bool) -> None:
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="lower right" if is_left else "lower left")
    else:
        axis.text(0.5, 0.3, "no curve: the test series are all of one class", ha="center")
