"""How large the forecast's errors are, by class and domain: one point a series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from motor.evaluation.figures.style import COLOURS, drawable, drawing
from motor.lazy import matplotlib

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def residual_figure(
    path: Path,
    residuals: pd.DataFrame,
    classes: tuple[str, ...],
    measure: str = "mean absolute error",
    unit: str = "scaled units",
) -> None:
    """Draw the residuals' distribution by class, a panel for each domain.

    The box spans the quartiles, its line is the median, whiskers reach the last point within 1.5
    interquartile ranges; each dot is one series. The axis is logarithmic where the values span more
    than a factor of 20.

    Parameters
    ----------
    path : Path
        The PNG file to write.
    residuals : DataFrame
        One row a series: `domain`, `label`, `motor`, `residual`.
    classes : tuple of str
        All classes, in the order of drawing.
    measure, unit : str
        What `residual` is, for the axis.

    Raises
    ------
    ValueError
        If the table lacks a column or has no row with a finite residual.
    """
    if missing := sorted({"domain", "label", "motor", "residual"} - set(residuals.columns)):
        raise ValueError(f"the residuals lack the columns {missing}; they have: {sorted(residuals.columns)}")
    residuals = residuals[np.isfinite(residuals["residual"].to_numpy(dtype=float))]
    if residuals.empty:
        raise ValueError("no series has a finite residual to draw")
    domains = sorted(set(residuals["domain"]))
    titles = drawable(domains)
    width = 1.2 + len(domains) * (0.9 + 0.75 * len(classes))
    with drawing(path, max(width, 4.2), 4.0) as figure:
        axes = figure.subplots(1, len(domains), squeeze=False, sharey=True)[0]
        for axis, domain in zip(axes, domains, strict=True):
            _panel(axis, residuals[residuals["domain"] == domain], classes)
            axis.set_title(titles[domain])
        axes[0].set_ylabel(f"{measure} ({unit})")
        values = residuals["residual"].to_numpy(dtype=float)
        if values.min() > 0 and values.max() > 20 * values.min():
            _logarithmic(axes[0])


def _logarithmic(axis: Axes) -> None:
    """Use a logarithmic axis with plain numbers on it."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def _panel(axis: Axes, residuals: pd.DataFrame, classes: tuple[str, ...]) -> None:
    """Draw one domain: a box and its points for each class."""
    names = drawable(classes)
    ticks = []
    for index, name in enumerate(classes):
        part = residuals[residuals["label"] == name]
        values = part["residual"].to_numpy(dtype=float)
        ticks.append(f"{names[name]}\n{len(part)} series\n{part['motor'].nunique()} motors")
        if not len(values):
            continue
        colour = COLOURS[index % len(COLOURS)]
        axis.plot(index + _spread(values), values, "o", color=colour, markersize=4, alpha=0.6, markeredgewidth=0)
        _box(axis, index, values)
    axis.set_xticks(range(len(classes)), ticks)
    axis.set_xlim(-0.6, len(classes) - 0.4)
    axis.set_xlabel("true class")
    axis.grid(axis="y", color="0.9", linewidth=0.6)


def _box(axis: Axes, place: int, values: NDArray[np.float64]) -> None:
    """Draw quartiles, median and whiskers (Axes.boxplot would load pyplot and with it a window toolkit)."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    reach = 1.5 * (high - low)
    bottom, top = values[values >= low - reach].min(), values[values <= high + reach].max()
    left, right = place - 0.25, place + 0.25
    axis.hlines([low, high], left, right, color="black", linewidth=1.0)
    axis.hlines(median, left, right, color="black", linewidth=2.0)
    axis.vlines([left, right], low, high, color="black", linewidth=1.0)
    axis.vlines([place, place], [bottom, high], [low, top], color="black", linewidth=1.0)


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points sideways by their rank, so that they do not hide one another; no chance involved."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(((ranks * 0.618034) % 1.0 - 0.5) * 0.4, dtype=np.float64)
