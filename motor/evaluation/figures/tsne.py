"""t-SNE of the features, coloured by class and again by motor (the view that shows a leak)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motor.evaluation.figures.style import COLOURS, MARKERS, drawable, drawing
from motor.lazy import matplotlib, sklearn, threadpoolctl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEAST_SERIES = 5
_PCA_COMPONENTS = 50
_MOTORS_IN_LEGEND = 24


def tsne_figure(
    path: Path,
    features: ArrayLike,
    labels: Sequence[str],
    motors: Sequence[str],
    domains: Sequence[str],
    classes: tuple[str, ...],
    seed: int = 123,
) -> NDArray[np.float64] | None:
    """Draw the features' t-SNE map twice: by class (marker: domain) and by motor.

    Columns are standardised, more than 50 of them first reduced to 50 principal components, and the
    perplexity is 30 or what few series allow (van der Maaten & Hinton, JMLR 9, 2008).

    Parameters
    ----------
    path : Path
        The PNG file to write.
    features : array of shape (n_series, n_features)
        A missing value counts as its column's median.
    labels, motors, domains : sequences of n_series names
        What each series is.
    classes : tuple of str
        All classes, in the order of colours.
    seed : int, default 123
        Seed of PCA and t-SNE.

    Returns
    -------
    ndarray of shape (n_series, 2) or None
        The map; None where there are too few series, or no feature varies.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    values = np.asarray(features, dtype=float)
    lengths = {"features": len(values), "labels": len(labels), "motors": len(motors), "domains": len(domains)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"features, labels, motors and domains must have one entry a series; they have {lengths}")
    columns = _standardised(values)
    with drawing(path, 11.0, 4.8) as figure:
        if len(values) < _LEAST_SERIES or not columns.shape[1]:
            _say_why_empty(figure, len(values), columns.shape[1])
            return None
        points = _embed(columns, seed)
        left, right = figure.subplots(1, 2)
        _by_class(left, points, labels, domains, classes)
        _by_motor(right, points, motors)
        figure.supxlabel(
            "A tight clump for each motor means that the features recognise the motor, not only its state.", size=8
        )
    return points


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill gaps with the median, drop columns without spread, scale the rest to unit variance."""
    values = np.where(np.isfinite(values), values, np.nan)
    values = values[:, ~np.isnan(values).all(axis=0)]
    if not values.size:
        return np.zeros((len(values), 0))
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    spread = values.std(axis=0)
    kept = spread > 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0))
    return (values[:, kept] - values[:, kept].mean(axis=0)) / spread[kept]


def _embed(columns: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Map to two dimensions, on one thread: sums over threads would change the last digits."""
    n_series, n_columns = columns.shape
    with threadpoolctl.threadpool_limits(limits=1):
        if n_columns > _PCA_COMPONENTS:
            n_components = min(_PCA_COMPONENTS, n_series - 1)
            columns = sklearn.decomposition.PCA(
                n_components=n_components, svd_solver="full", random_state=seed
            ).fit_transform(columns)
        start = "pca" if columns.shape[1] > 1 else "random"
        perplexity = min(30.0, (n_series - 1) / 3)
        return np.asarray(
            sklearn.manifold.TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(columns)
        )


def _by_class(
    axis: Axes, points: NDArray[np.float64], labels: Sequence[str], domains: Sequence[str], classes: tuple[str, ...]
) -> None:
    names, titles = drawable(classes), drawable(sorted(set(domains)))
    several = len(titles) > 1
    for index, name in enumerate(classes):
        for place, (domain, title) in enumerate(titles.items()):
            chosen = (np.asarray(labels) == name) & (np.asarray(domains) == domain)
            if chosen.any():
                text = f"{names[name]}, {title}" if several else names[name]
                _dots(axis, points[chosen], text, COLOURS[index % len(COLOURS)], MARKERS[place % len(MARKERS)])
    _finish(axis, "by class")


def _by_motor(axis: Axes, points: NDArray[np.float64], motors: Sequence[str]) -> None:
    titles = drawable(sorted(set(map(str, motors))))
    of_point = np.asarray(motors).astype(str)
    lines: list[tuple[str, list[NDArray[np.float64]]]] = []
    for index, (motor, title) in enumerate(titles.items()):
        chosen = of_point == motor
        colour = COLOURS[index % len(COLOURS)]  # and another marker for each round of colours
        centre = points[chosen].mean(axis=0)
        lines += [(colour, [centre, point]) for point in points[chosen]]
        _dots(axis, points[chosen], title, colour, MARKERS[index // len(COLOURS) % len(MARKERS)])
    colours, segments = zip(*lines, strict=True)
    # The dots set the limits: a line's ends are a dot and the middle of some.
    of_all = matplotlib.collections.LineCollection(segments, colors=colours, linewidths=0.6)
    axis.add_collection(of_all, autolim=False)
    few = len(titles) <= _MOTORS_IN_LEGEND
    _finish(axis, f"by motor ({len(titles)}): lines lead to each motor's centre", legend=few)


def _dots(axis: Axes, points: NDArray[np.float64], label: str, colour: str, marker: str) -> None:
    axis.plot(
        *points.T,
        label=label,
        color=colour,
        marker=marker,
        linestyle="none",
        markersize=6,
        alpha=0.8,
        markeredgecolor="white",
        markeredgewidth=0.5,
    )


def _finish(axis: Axes, title: str, legend: bool = True) -> None:
    axis.set_title(title)
    axis.set(xlabel="t-SNE axis 1 (no unit)", ylabel="t-SNE axis 2 (no unit)")
    axis.margins(0.08)
    if legend:
        axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=1, handletextpad=0.2)


def _say_why_empty(figure: Figure, n_series: int, n_columns: int) -> None:
    axis = figure.subplots()
    axis.set_axis_off()
    text = f"No t-SNE: it needs {_LEAST_SERIES} series and a feature that varies; here are {n_series} and {n_columns}."
    axis.text(0.5, 0.5, text, ha="center", va="center")
