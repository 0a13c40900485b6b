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
    moves_n = (np.diff(x_n, prepend=np.nan) != 0) | (np.diff(y_n, prepend=np.nan) != 0)
    kept = np.flatnonzero(moves_n)
    kept = np.delete(kept, np.flatnonzero(_areas(x_n[kept], y_n[kept]) <= STRAIGHT) + 1)
    while len(kept) > most:
        area_k = _areas(x_n[kept], y_n[kept])
        area_k[::2] *= 1 + EVERY_OTHER
        beside_k = np.concatenate([[np.inf], area_k, [np.inf]])
        (least,) = np.nonzero((area_k <= beside_k[:-2]) & (area_k < beside_k[2:]))
        kept = np.delete(kept, least[np.argsort(area_k[least])[: len(kept) - most]] + 1)
    return x_n[kept], y_n[kept]


def _areas(x_n: Floats, y_n: Floats) -> NDArray[np.float64]:
    """Return twice the area of the triangle of each inner point and its neighbours; where a curve turns back, inf."""
    across_n, up_n = np.diff(x_n), np.diff(y_n)
    ahead_n = across_n[:-1] * across_n[1:] + up_n[:-1] * up_n[1:]
    area_n = np.abs(across_n[:-1] * up_n[1:] - up_n[:-1] * across_n[1:])
    return np.where((area_n <= STRAIGHT) & (ahead_n < 0), np.inf, area_n)
