"""Curves with few points."""

from __future__ import annotations

import heapq

import numpy as np

from motor.report.plots.base import Floats

MOST_POINTS = 80  # of a curve
LEAST = 1e-9  # a point that lies nearer to the line is on it


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
    kept, place_n = [0, len(x_n) - 1], np.arange(len(x_n), dtype=float)
    stretches = [_farthest(place_n, x_n, y_n, 0, len(x_n) - 1)]
    while len(kept) < min(most, len(x_n)) and stretches:
        distance, first, place, last = heapq.heappop(stretches)
        if -distance < LEAST:
            break
        kept.append(place)
        for start, end in ((first, place), (place, last)):
            if end - start > 1:
                heapq.heappush(stretches, _farthest(place_n, x_n, y_n, start, end))
    places = np.array(sorted(set(kept)))
    return x_n[places], y_n[places]


def _farthest(place_n: Floats, x_n: Floats, y_n: Floats, first: int, last: int) -> tuple[float, int, int, int]:
    """Return the point of a stretch that lies farthest from the line between its ends, and how far (negative).

    Farthest both ways: a step of a ROC curve is vertical, so no distance along one axis alone would do.
    """
    share = (place_n[first : last + 1] - first) / max(last - first, 1)
    distance = np.abs(x_n[first : last + 1] - x_n[first] - share * (x_n[last] - x_n[first]))
    distance += np.abs(y_n[first : last + 1] - y_n[first] - share * (y_n[last] - y_n[first]))
    place = int(distance.argmax())
    return -float(distance[place]), first, first + place, last
