"""Curves with few points."""

from __future__ import annotations

import numpy as np

from motor.report.plots.base import Floats

MOST_POINTS = 80  # of a curve


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
