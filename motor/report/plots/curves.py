"""Curves with few points."""

from __future__ import annotations

import heapq

import numpy as np

from motor.report.plots.base import Floats

MOST_POINTS = 80  # of a curve
LEAST = 1e-9  # a point that lies nearer to the line is on it
SHORT = 32  # points of a stretch: numbers one by one take less time than arrays
Points = tuple[Floats, Floats, Floats, list[float], list[float]]  # places, x and y of a curve; x and y again as numbers


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
    points = place_n, x_n, y_n, x_n.tolist(), y_n.tolist()
    stretches = [_farthest(points, 0, len(x_n) - 1)]
    while len(kept) < min(most, len(x_n)) and stretches:
        distance, first, place, last = heapq.heappop(stretches)
        if -distance < LEAST:
            break
        kept.append(place)
        for start, end in ((first, place), (place, last)):
            if end - start > 1:
                heapq.heappush(stretches, _farthest(points, start, end))
    places = np.array(sorted(set(kept)))
    return x_n[places], y_n[places]


def _farthest(points: Points, first: int, last: int) -> tuple[float, int, int, int]:
    """Return the point of a stretch that lies farthest from the line between its ends, and how far (negative).

    Farthest both ways: a step of a ROC curve is vertical, so no distance along one axis alone would do.
    """
    place_n, x_n, y_n, xs, ys = points
    x, y, length = xs[first], ys[first], max(last - first, 1)
    across, up = xs[last] - x, ys[last] - y
    if length < SHORT:
        found, at = 0.0, first
        for place in range(first + 1, last):
            share = (place - first) / length
            aside, over = xs[place] - x - share * across, ys[place] - y - share * up
            distance = (aside if aside > 0 else -aside) + (over if over > 0 else -over)  # `abs` takes longer
            if distance > found:
                found, at = distance, place
        return -found, first, at, last
    inner, share_n = slice(first, last + 1), place_n[: length + 1] / length
    distance_n = np.abs(x_n[inner] - x - share_n * across)
    distance_n += np.abs(y_n[inner] - y - share_n * up)
    at = int(distance_n.argmax())
    return -float(distance_n[at]), first, first + at, last
