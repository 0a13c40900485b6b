"""Confusion matrices: counts and row percentages, over all test series and by domain."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.figures.frames import KEPT, Frame, framed, framing
from motor.evaluation.figures.style import drawable

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
    titles = [f"{title}: {part['n_series']} series, {part['n_motors']} motors" for title, part in panels]
    with _frame(tuple(metrics["classes"]), tuple(titles)).drawing(path) as axes:
        for axis, (_, part) in zip(axes, panels, strict=True):
            _fill(axis, part)


@lru_cache(maxsize=KEPT)
def _frame(classes: tuple[str, ...], titles: tuple[str, ...]) -> Frame:
    """Return the figure without the matrices."""
    side = 1.9 + 0.62 * len(classes)
    names = [drawable(classes)[name] for name in classes]
    with framing(side * len(titles) + 0.7, side) as figure:
        axes = tuple(figure.subplots(1, len(titles), squeeze=False)[0])
        images = [_matrix(axis, np.zeros((len(classes), len(classes)))) for axis in axes]
        for axis, title in zip(axes, titles, strict=True):
            axis.set_xticks(range(len(classes)), names, rotation=30, ha="right")
            axis.set_yticks(range(len(classes)), names if axis is axes[0] else [])
            axis.tick_params(length=0)
            axis.spines[:].set_visible(False)
            axis.set(title=title, xlabel="predicted class")
        axes[0].set_ylabel("true class")
        figure.colorbar(images[-1], ax=list(axes), label="share of the true class (%)", shrink=0.8)
    for image in images:
        image.set_visible(False)
    return framed(axes)


def _matrix(axis: Axes, percent: NDArray[np.float64]) -> AxesImage:
    return axis.imshow(percent, cmap="Blues", vmin=0, vmax=100)


def _fill(axis: Axes, metrics: dict[str, Any]) -> None:
    """Draw one matrix with its numbers."""
    classes = metrics["classes"]
    counts = np.array([[metrics["confusion"][true][predicted] for predicted in classes] for true in classes])
    support = counts.sum(axis=1, keepdims=True)
    percent = np.divide(100.0 * counts, support, out=np.zeros(counts.shape), where=support > 0)
    _matrix(axis, percent)
    _write_numbers(axis, counts, percent)


def _write_numbers(axis: Axes, counts: NDArray[np.intp], percent: NDArray[np.float64]) -> None:
    """Write count and row percentage into each square."""
    for (row, column), count in np.ndenumerate(counts):
        share = percent[row, column]
        text = f"{count}\n{share:.0f} %" if counts[row].sum() else "–"
        axis.text(column, row, text, ha="center", va="center", color="white" if share > 55 else "black", fontsize=8)
