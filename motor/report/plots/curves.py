"""Curves with few points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from motor.report.plots.base import Floats

MOST_POINTS = 112  # of a curve
STRAIGHT = 1e-12  # twice the area of a triangle: a point that adds less lies on the line
EVERY_OTHER = 1e-6  # of an area: among equal neighbours, every other point goes first


def curve_points(x_n: Floats, y_n: Floats, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
    """Thin a curve to `most` points: those go that make the smallest triangles with their neighbours.

    Parameters
    ----------
    x_n, y_n : ndarray of shape (n,)
        The curve, point by point.
    most : int
        How many points to keep; the first and the last always.

    Returns
    -------
    x, y : ndarray of shape (at most `most`,)
        Points of the curve, none of which lies on the line between its neighbours (Visvalingam and Whyatt 1993, The
        Cartographic Journal 30, 46-51; in rounds: all go at once that make smaller triangles than their neighbours).
    """
    moves_n = np.append(True, (x_n[1:] != x_n[:-1]) | (y_n[1:] != y_n[:-1]))
    x_k, y_k = x_n[moves_n], y_n[moves_n]
    x_k, y_k = _without(_areas(x_k, y_k) <= STRAIGHT, x_k, y_k)
    while len(x_k) > most:
        x_k, y_k = _without(_least(_areas(x_k, y_k), len(x_k) - most), x_k, y_k)
    return x_k, y_k


def _without(goes_k: NDArray[np.bool_], x_k: Floats, y_k: Floats) -> tuple[Floats, Floats]:
    """Return a curve without some of its inner points."""
    stays_k = np.concatenate([[True], ~goes_k, [True]])[: len(x_k)]  # a single point is first and last at once
    return x_k[stays_k], y_k[stays_k]


def _least(area_k: Floats, n_too_many: int) -> NDArray[np.bool_]:
    """Return which of the inner points go next: those of the smallest triangles, no two of them neighbours."""
    area_k[::2] *= 1 + EVERY_OTHER
    beside_k = np.concatenate([[np.inf], area_k, [np.inf]])
    (least,) = np.nonzero((area_k <= beside_k[:-2]) & (area_k < beside_k[2:]))
    goes_k = np.zeros(len(area_k), dtype=bool)
    goes_k[least[np.argsort(area_k[least])[:n_too_many]]] = True
    return goes_k


def _areas(x_n: Floats, y_n: Floats) -> NDArray[np.float64]:
    """Return twice the area of the triangle of each inner point and its neighbours; where a curve turns back, inf."""
    across_n, up_n = x_n[1:] - x_n[:-1], y_n[1:] - y_n[:-1]
    ahead_n = across_n[:-1] * across_n[1:] + up_n[:-1] * up_n[1:]
    area_n = np.abs(across_n[:-1] * up_n[1:] - up_n[:-1] * across_n[1:])
    return np.where((area_n <= STRAIGHT) & (ahead_n < 0), np.inf, area_n)
