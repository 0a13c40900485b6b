"""From values of windows to values of the series that they are cut from.

Shapes: B windows, T samples of a window, D columns, S series.
"""

import numpy as np

from motor.lazy import pandas as pd

STILL = 1e-6
"""A window that deviates less than this, in scaled units, is not divided by its deviation."""


def series_frame(
    values_BD: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame", names: list[str]
) -> "pd.DataFrame":
    """Return the mean of each series' windows as named columns, indexed by item (see `series_means`)."""
    index = pd.Index(meta["item"], name="item")
    return pd.DataFrame(series_means(values_BD, position_B, meta), index=index, columns=names)


def series_means(values_BD: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame") -> np.ndarray:
    """Return the mean of each series' windows: float64, shape (n_series, n_columns).

    Parameters
    ----------
    values_BD : ndarray of shape (n_windows, n_columns)
    position_B : ndarray of shape (n_windows,), int
        The row of `meta` that each window is cut from.
    meta : DataFrame
        One row for each series, with its item.

    Raises
    ------
    ValueError
        If a series has no windows.
    """
    count_S = np.bincount(position_B, minlength=len(meta))
    if not count_S.all():
        items = meta["item"][count_S == 0]
        raise ValueError(f"{len(items)} of {len(meta)} series have no windows, the first: {items.iloc[0]!r}")
    sum_SD = np.zeros((len(meta), values_BD.shape[1]))
    np.add.at(sum_SD, position_B, values_BD.astype(np.float64))
    return sum_SD / count_S[:, None]


def standardised(windows_BT: np.ndarray) -> np.ndarray:
    """Return each window at mean 0 and deviation 1, in float32; a still one at 0."""
    centred_BT = windows_BT - windows_BT.mean(axis=1, keepdims=True, dtype=np.float64)
    deviation_B1 = np.sqrt(np.mean(centred_BT**2, axis=1, keepdims=True))
    return (centred_BT / np.where(deviation_B1 > STILL, deviation_B1, 1.0)).astype(np.float32)
