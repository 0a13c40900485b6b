"""How alike the forecast errors of two sensors are at one moment.

Shapes: B windows, H horizon, P pairs.
"""

import numpy as np

from motor.lazy import pandas as pd

PAIRS_AT_ONCE = 4096
"""Bounds memory to some tens of MB."""


def partner_correlation(residuals_BH: np.ndarray, index: "pd.MultiIndex", meta: "pd.DataFrame") -> "pd.Series | None":
    """Correlate each window's residual with those of the motor's other sensors at that moment.

    Partners are recordings of one motor and one moment by sensors of other domains; windows are
    paired by their number, so they must have been cut alike. With several partners the mean is
    taken. Pearson's coefficient; 0 where a residual does not move.

    Parameters
    ----------
    residuals_BH : ndarray of shape (n_windows, prediction_length)
    index : MultiIndex ('item', 'window') of n_windows
    meta : DataFrame
        Columns item, motor, domain, moment (null: no partner).

    Returns
    -------
    Series of n_windows, with `index`, or None
        NaN where a window has no partner; None if none has.

    Raises
    ------
    ValueError
        If a sensor has two recordings of one moment, for then it is not one moment.
    """
    pairs = _pairs(index, meta)
    if len(pairs) == 0:
        return None
    unit_BH = _unit(residuals_BH)
    own, other = pairs["row"].to_numpy(), pairs["row_partner"].to_numpy()
    parts = [slice(start, start + PAIRS_AT_ONCE) for start in range(0, len(own), PAIRS_AT_ONCE)]
    correlation_P = np.concatenate([np.einsum("ph,ph->p", unit_BH[own[p]], unit_BH[other[p]]) for p in parts])
    by_row = pd.Series(correlation_P.astype(np.float64)).groupby(own).mean()
    return pd.Series(by_row.reindex(np.arange(len(index))).to_numpy(), index=index)


def _pairs(index: "pd.MultiIndex", meta: "pd.DataFrame") -> "pd.DataFrame":
    """Every ordered pair of windows that saw one moment of one motor, as row numbers."""
    moments = meta.loc[meta["moment"].notna(), ["item", "motor", "domain", "moment"]]
    repeated = moments[moments.duplicated(["motor", "domain", "moment"])]
    if len(repeated) > 0:
        motor, domain, moment = repeated.iloc[0][["motor", "domain", "moment"]]
        raise ValueError(
            f"motor {motor!r} has more than one recording of moment {moment!r} in domain {domain!r}; "
            "give each its own moment, or leave the moment out"
        )
    windows = index.to_frame(index=False).assign(row=np.arange(len(index))).merge(moments, on="item")
    pairs = windows.merge(windows, on=["motor", "moment", "window"], suffixes=("", "_partner"))
    return pairs[pairs["domain"] != pairs["domain_partner"]]


def _unit(residuals_BH: np.ndarray) -> np.ndarray:
    """Residuals without their mean, of length 1; zeros where a residual moves by rounding alone."""
    centred_BH = (residuals_BH - residuals_BH.mean(axis=1, keepdims=True, dtype=np.float64)).astype(np.float32)
    length_B1 = np.linalg.norm(centred_BH, axis=1, keepdims=True)
    largest_B1 = np.abs(residuals_BH).max(axis=1, keepdims=True)
    moves_B1 = length_B1 > np.finfo(np.float32).eps * np.sqrt(residuals_BH.shape[1]) * largest_B1
    return np.divide(centred_BH, length_B1, out=np.zeros_like(centred_BH), where=moves_B1)
