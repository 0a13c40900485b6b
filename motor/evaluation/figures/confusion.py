"""Confusion matrices: counts and row percentages, over all test series and by domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.figures.style import drawable, drawing

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def confusion_figure(path: Path, metrics: dict[str, Any]) -> None:
    """Draw the confusion matrix of a cell; with several domains, one panel more for each.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    metrics : dict
        From `classification_metrics`.
    """
    domains = metrics["by_domain"]
    panels = [(title, domains[name]) for name, title in drawable(domains).items()]
    if len(domains) > 1:
        panels.insert(0, ("all domains", metrics))
    side = 1.9 + 0.62 * len(metrics["classes"])
    with drawing(path, side * len(panels) + 0.7, side) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for index, (axis, (title, part)) in enumerate(zip(axes, panels, strict=True)):
            image = _matrix(axis, part, labelled=index == 0)
            axis.set_title(f"{title}: {part['n_series']} series, {part['n_motors']} motors")
        figure.colorbar(image, ax=list(axes), label="share of the true class (%)", shrink=0.8)


def _matrix(axis: Axes, metrics: dict[str, Any], labelled: bool) -> AxesImage:
    """Draw one matrix with its numbers."""
    classes = metrics["classes"]
    names = drawable(classes)
    counts = np.array([[metrics["confusion"][true][predicted] for predicted in classes] for true in classes])
    support = counts.sum(axis=1, keepdims=True)
    percent = np.divide(100.0 * counts, support, out=np.zeros(counts.shape), where=support > 0)
    image = axis.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    _write_numbers(axis, counts, percent)
    axis.set_xticks(range(len(classes)), [names[name] for name in classes], rotation=30, ha="right")
    axis.set_yticks(range(len(classes)), [names[name] for name in classes] if labelled else [])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("predicted class")
    if labelled:
        axis.set_ylabel("true class")
    return image


def _write_numbers(axis: Axes, counts: NDArray[np.intp], percent: NDArray[np.float64]) -> None:
    """Write count and row percentage into each square."""
    for (row, column), count in np.ndenumerate(counts):
        share = percent[row, column]
        text = f"{count}\n{share:.0f} %" if counts[row].sum() else "–"
        axis.text(column, row, text, ha="center", va="center", color="white" if share > 55 else "black", fontsize=8)
