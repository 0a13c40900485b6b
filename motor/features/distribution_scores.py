"""Scores of forecast distributions that are given by quantiles.

Shapes: B windows, H horizon, Q quantiles, in ascending order of their levels.
"""

import numpy as np


def crps(y_BH: np.ndarray, forecast_BHQ: np.ndarray, levels_Q: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of each sample by its quantiles: (B, H).

    Twice the mean pinball loss over the levels (Berrisch and Ziel 2023, J. Econometrics 237, eq. 2).
    """
    miss_BHQ = y_BH[..., None] - forecast_BHQ
    return 2 * np.maximum(levels_Q * miss_BHQ, (levels_Q - 1) * miss_BHQ).mean(axis=-1)


def energy_score(y_BH: np.ndarray, forecast_BHQ: np.ndarray) -> np.ndarray:
    """Return the energy score of each whole horizon, over the root of its length: (B,).

    The members are the paths of the quantiles (Gneiting and Raftery 2007, J. Am. Stat. Assoc. 102, eq. 22).
    """
    miss_BQ = np.linalg.norm(forecast_BHQ - y_BH[..., None], axis=1)
    apart_BQQ = np.linalg.norm(forecast_BHQ[..., :, None] - forecast_BHQ[..., None, :], axis=1)
    return (miss_BQ.mean(axis=1) - apart_BQQ.mean(axis=(1, 2)) / 2) / np.sqrt(y_BH.shape[1])


def pit(y_BH: np.ndarray, forecast_BHQ: np.ndarray, levels_Q: np.ndarray) -> np.ndarray:
    """Return the level at which each sample came, linear between quantiles, 0 and 1 beyond them: (B, H)."""
    below_BHQ = forecast_BHQ <= y_BH[..., None]
    n_below_BH = below_BHQ.sum(axis=-1)
    upper_BH = np.clip(n_below_BH, 1, len(levels_Q) - 1)
    (low_BH, high_BH) = (
        np.take_along_axis(forecast_BHQ, (upper_BH - back)[..., None], axis=-1)[..., 0] for back in (1, 0)
    )
    width_BH = np.where(high_BH > low_BH, high_BH - low_BH, 1.0)
    share_BH = np.clip((y_BH - low_BH) / width_BH, 0, 1)
    inner_BH = levels_Q[upper_BH - 1] + share_BH * (levels_Q[upper_BH] - levels_Q[upper_BH - 1])
    return np.where(n_below_BH == 0, 0.0, np.where(y_BH > forecast_BHQ[..., -1], 1.0, inner_BH))


def covered(y_BH: np.ndarray, forecast_BHQ: np.ndarray) -> np.ndarray:
    """Return whether each sample lies within the outermost quantiles: (B, H)."""
    return (forecast_BHQ[..., 0] <= y_BH) & (y_BH <= forecast_BHQ[..., -1])


def tail_of_errors(error_BH: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return value at risk and expected shortfall of each window's errors: (B,) each.

    The quantile at a level, and the mean of what is no smaller (Acerbi and Tasche 2002, J. Banking & Finance 26).
    """
    at_risk_B1 = np.quantile(error_BH, level, axis=1, keepdims=True)
    beyond_BH = error_BH >= at_risk_B1
    return at_risk_B1[:, 0], (error_BH * beyond_BH).sum(axis=1) / beyond_BH.sum(axis=1)
