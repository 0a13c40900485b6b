"""Which order of the shaft a class rests on, estimated from lines of all orders: it needs no geometry.

Shapes: M motors, B bands, S steps of orders.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

COLUMN = re.compile(r"line_order_(?P<order>[\d.]+)_band_(?P<band>\d+)")
N_HARMONICS = 3
LEAST_DB = 3.0
"""Of a family over that of the normal class."""
SAME_DB = 0.5  # columns side by side that differ by no more show one line
FITS = 0.025  # of an order, as a share: 2 % of slip, and half a step


def fundamentals(table: "pd.DataFrame", normal: str) -> list[dict[str, Any]]:
    """Return for each other class the order whose family stands higher than in the normal class by most.

    Parameters
    ----------
    table : DataFrame
        One row a series: motor, label, and the columns of feature ``order_lines``; others are not looked at.
    normal : str
        The class that the others are compared with.

    Returns
    -------
    list of dict
        `label`, `order` and `gain_db`, of classes where a family gains 3 dB. Motors count alike. [] where the table has
        no such columns, or no normal series.
    """
    found = [(name, match) for name in table if (match := COLUMN.fullmatch(str(name)))]
    if not found or normal not in set(table["label"]):
        return []
    orders = sorted({float(match["order"]) for _, match in found})
    bands = sorted({match["band"] for _, match in found})
    names = [[f"line_order_{order:07.3f}_band_{band}" for order in orders] for band in bands]
    by_class = {}
    for label, rows in table.groupby("label", sort=False):
        of_motors = rows.groupby("motor")[[name for of in names for name in of]].mean()
        by_class[str(label)] = of_motors.median().to_numpy().reshape(len(bands), len(orders))
    records = []
    for label, height_BS in by_class.items():
        if label != normal:
            order, gain_db = _tallest(height_BS - by_class[normal], np.array(orders))
            if gain_db >= LEAST_DB:
                records.append({"label": label, "order": round(order, 3), "gain_db": round(gain_db, 1)})
    return records


def _tallest(gain_BS: np.ndarray, orders_S: np.ndarray) -> tuple[float, float]:
    """Return the order of the family that gains most in any band, and its mean gain; multiples are sought beside.

    A column holds lines of its neighbours, too, so that a line shows in several: the order is in their middle.
    """
    step = float(np.diff(orders_S).min())
    gain_S, score_S = np.empty(len(orders_S)), np.empty(len(orders_S))
    for place, order in enumerate(orders_S):
        gains = [gain_BS[:, place]]
        for multiple in range(2, N_HARMONICS + 1):
            at = round((order * multiple - orders_S[0]) / step)
            near = slice(max(0, at - multiple), at + multiple + 1)
            if at < len(orders_S):
                gains.append(gain_BS[:, near].max(axis=1))
        gain_S[place] = np.mean(gains, axis=0).max()
        # The more multiples lie within the columns, the surer is a family: one line may be another's multiple.
        score_S[place] = gain_S[place] * len(gains) / (len(gains) + 0.5)
    best = int(np.argmax(score_S))
    lower = np.flatnonzero(score_S < score_S[best] - SAME_DB)  # than the columns that show the same line
    first = lower[lower < best].max(initial=-1) + 1
    last = lower[lower > best].min(initial=len(orders_S)) - 1
    return float(orders_S[first : last + 1].mean()), float(gain_S[best])


def explained(order: float, components: Sequence[tuple[str, float]]) -> str | None:
    """Return the known part whose order, or a multiple of it, an estimated one is."""
    for name, own in components:
        if any(abs(order / (multiple * own) - 1) <= FITS for multiple in range(1, N_HARMONICS + 1) if own > 0):
            return name
    return None
