"""Statistics of forecast errors, one row for each window.

Shapes: B windows, H horizon, Q quantiles, K lags (from 0).
"""

from collections.abc import Sequence

import numpy as np

from motor.lazy import pandas as pd

N_QUARTERS = 4
SPANS = (1, 4, 16, 64, 256, 1024)
"""Samples from the forecast's origin: what can be forecast of a raw vibration lies in the first ones."""
ZERO_GUARD = 0.1
"""MAPE takes no sample as smaller than this share of the window's mean magnitude."""
RATIO_LIMIT = 100.0
"""No ratio exceeds this, so that one still window does not set the scale of a column."""
ENERGY_FLOOR = 1e-6
"""No band is taken to hold less than this share of the energy (-60 dB)."""


def residual_features(
    y_BH: np.ndarray,
    quantiles_BHQ: np.ndarray,
    quantile_levels: Sequence[float],
    sampling_rate_hz: float,
    loss_levels: Sequence[float] = (0.1, 0.5, 0.9),
    n_lags: int = 10,
    cut_hz: float | None = None,
) -> "pd.DataFrame":
    """Summarise forecast errors, one row for each window.

    Parameters
    ----------
    y_BH : ndarray of shape (n_windows, prediction_length)
        Measured signal, in scaled units.
    quantiles_BHQ : ndarray of shape (n_windows, prediction_length, n_levels)
        Forecast quantiles, in the same units. The residual is y minus the median.
    quantile_levels : sequence of n_levels floats
        Levels of the last axis; 0.5 must be among them.
    sampling_rate_hz : float
        Of `y_BH`.
    loss_levels : sequence of float
        Levels to give the quantile loss of.
    n_lags : int
        Lags of the autocorrelations, in samples.
    cut_hz : float or None
        Between low and high frequencies; None is 0.2 of Nyquist.

    Returns
    -------
    DataFrame of n_windows rows, float64, without NaN
        Columns ``mae, mse, rmse, mape, mdae``; ``mae_quarter_1`` ...; ``mae_first_16`` ...;
        ``quantile_loss_0.1`` ...; ``acf_01`` ...; ``pacf_01`` ...; ``log_energy_ratio``.

    Raises
    ------
    ValueError
        If shapes do not match, a level is not among `quantile_levels`, a value is not finite, the
        horizon is too short for the lags or the quarters, or no frequency lies on one side of the cut.
    """
    y_BH, quantiles_BHQ = y_BH.astype(np.float64), quantiles_BHQ.astype(np.float64)
    _check_forecast(y_BH, quantiles_BHQ, quantile_levels)
    residual_BH = y_BH - quantiles_BHQ[..., level_position(quantile_levels, 0.5)]
    correlation_BK = autocorrelation(residual_BH, n_lags)
    columns = {
        **overall_errors(y_BH, residual_BH),
        **quarter_errors(residual_BH),
        **span_errors(residual_BH),
        **quantile_losses(y_BH, quantiles_BHQ, quantile_levels, loss_levels),
        **{f"acf_{lag:02d}": correlation_BK[:, lag] for lag in range(1, n_lags + 1)},
    }
    partial_BK = partial_autocorrelation(correlation_BK)
    columns |= {f"pacf_{lag:02d}": partial_BK[:, lag] for lag in range(1, n_lags + 1)}
    columns["log_energy_ratio"] = log_energy_ratio(residual_BH, sampling_rate_hz, cut_hz)
    return pd.DataFrame(columns)


def quantile_losses(
    y_BH: np.ndarray, quantiles_BHQ: np.ndarray, quantile_levels: Sequence[float], loss_levels: Sequence[float]
) -> dict[str, np.ndarray]:
    """Return ``quantile_loss_<level>`` of each window, for each of `loss_levels`."""
    places = {level: level_position(quantile_levels, level) for level in loss_levels}
    return {
        f"quantile_loss_{level:g}": quantile_loss(y_BH, quantiles_BHQ[..., place], level)
        for level, place in places.items()
    }


def level_position(quantile_levels: Sequence[float], level: float) -> int:
    """Return where `level` stands in `quantile_levels`, exact but for the rounding of float32.

    Raises
    ------
    ValueError
        If it is not there: a neighbouring level is not taken in its place.
    """
    found = np.flatnonzero(np.isclose(quantile_levels, level, rtol=0.0, atol=1e-6))
    if len(found) == 0:
        raise ValueError(f"the forecast has no quantile {level:g}; there are: {', '.join(map(str, quantile_levels))}")
    return int(found[0])


def overall_errors(y_BH: np.ndarray, residual_BH: np.ndarray) -> dict[str, np.ndarray]:
    """Return MAE, MSE, RMSE, MAPE and MdAE (Hyndman and Koehler 2006, section 2) of each window.

    A vibration crosses zero all the time, where a percentage says nothing, so in MAPE no sample
    counts as smaller than `ZERO_GUARD` of its window's mean magnitude, and no sample's share is
    over `RATIO_LIMIT`. Far from zero it is the plain MAPE, as a fraction.
    """
    error_BH, size_BH = np.abs(residual_BH), np.abs(y_BH)
    floor_B1 = np.maximum(ZERO_GUARD * size_BH.mean(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    mse = np.mean(residual_BH**2, axis=1)
    # the error is capped before the division, which could overflow
    denominator_BH = np.maximum(size_BH, floor_B1)
    share_BH = np.minimum(error_BH, RATIO_LIMIT * denominator_BH) / denominator_BH
    return {
        "mae": error_BH.mean(axis=1),
        "mse": mse,
        "rmse": np.sqrt(mse),
        "mape": share_BH.mean(axis=1),
        "mdae": np.median(error_BH, axis=1),
    }


def quarter_errors(residual_BH: np.ndarray) -> dict[str, np.ndarray]:
    """Return MAE and MSE of each quarter of the horizon (1024 samples: four times 256)."""
    horizon = residual_BH.shape[1]
    if horizon < N_QUARTERS:
        raise ValueError(f"a horizon of {horizon} samples has no {N_QUARTERS} segments")
    edges = [quarter * horizon // N_QUARTERS for quarter in range(N_QUARTERS + 1)]
    columns = {}
    for quarter in range(N_QUARTERS):
        part = residual_BH[:, edges[quarter] : edges[quarter + 1]]
        columns[f"mae_quarter_{quarter + 1}"] = np.abs(part).mean(axis=1)
        columns[f"mse_quarter_{quarter + 1}"] = np.mean(part**2, axis=1)
    return columns


def span_errors(residual_BH: np.ndarray) -> dict[str, np.ndarray]:
    """Return MAE and MSE of the first samples after the forecast's origin, for each of `SPANS` within the horizon.

    A span as long as the horizon is left out: it is MAE and MSE of the whole.
    """
    columns = {}
    for span in SPANS:
        if span < residual_BH.shape[1]:
            part = residual_BH[:, :span]
            columns[f"mae_first_{span}"] = np.abs(part).mean(axis=1)
            columns[f"mse_first_{span}"] = np.mean(part**2, axis=1)
    return columns


def quantile_loss(y_BH: np.ndarray, forecast_BH: np.ndarray, level: float) -> np.ndarray:
    """Return the mean pinball loss of each window, max(q e, (q - 1) e) with e = y - forecast (Koenker 1978).

    Chronos and GluonTS report twice this.
    """
    error_BH = y_BH - forecast_BH
    return np.maximum(level * error_BH, (level - 1.0) * error_BH).mean(axis=1)


def autocorrelation(residual_BH: np.ndarray, n_lags: int) -> np.ndarray:
    """Return the autocorrelation at lags 0 to `n_lags`: shape (n_windows, n_lags + 1).

    The biased estimator (Box, Jenkins and Reinsel, eq. 2.1.11; `statsmodels.tsa.stattools.acf` with
    adjusted=False). Where a residual varies by no more than float32 rounding, lags above 0 give 0.

    Raises
    ------
    ValueError
        If there are not more samples than lags.
    """
    horizon = residual_BH.shape[1]
    if horizon <= n_lags:
        raise ValueError(f"{n_lags} lags need a horizon of {n_lags + 1} samples or more; it has {horizon}")
    centred_BH = residual_BH - residual_BH.mean(axis=1, keepdims=True)
    sums = [np.einsum("bh,bh->b", centred_BH[:, : horizon - lag], centred_BH[:, lag:]) for lag in range(n_lags + 1)]
    covariance_BK = np.stack(sums, axis=1) / horizon
    moves_B = covariance_BK[:, 0] > (np.finfo(np.float32).eps * np.abs(residual_BH).max(axis=1)) ** 2
    correlation_BK = np.zeros_like(covariance_BK)
    correlation_BK[moves_B] = covariance_BK[moves_B] / covariance_BK[moves_B, :1]
    correlation_BK[:, 0] = 1.0
    return correlation_BK


def partial_autocorrelation(correlation_BK: np.ndarray) -> np.ndarray:
    """Return the partial autocorrelation at the same lags, from autocorrelations at lags 0, 1, ...

    Levinson-Durbin recursion on the biased estimate (Brockwell and Davis, Proposition 5.2.1;
    `statsmodels.tsa.stattools.pacf` with method "ldb"), for all windows at once. With the biased
    estimate its values stay within [-1, 1].
    """
    partial_BK = np.ones_like(correlation_BK)
    coefficients = np.empty((len(correlation_BK), 0))
    unexplained_B = np.ones(len(correlation_BK))
    for lag in range(1, correlation_BK.shape[1]):
        explained_B = np.einsum("bk,bk->b", coefficients, correlation_BK[:, lag - 1 : 0 : -1])
        reflection_B = (correlation_BK[:, lag] - explained_B) / unexplained_B
        reversed_coefficients = coefficients[:, ::-1]
        coefficients = np.column_stack([coefficients - reflection_B[:, None] * reversed_coefficients, reflection_B])
        unexplained_B = np.maximum(unexplained_B * (1.0 - reflection_B**2), np.finfo(np.float64).eps)
        partial_BK[:, lag] = reflection_B
    return partial_BK


def log_energy_ratio(residual_BH: np.ndarray, sampling_rate_hz: float, cut_hz: float | None = None) -> np.ndarray:
    """Return log10 of the energy above the cut over that up to it, in the residual without its mean.

    The periodogram's one-sided energies (Welch 1967; `scipy.signal.periodogram`). The logarithm
    makes high over low and low over high equally far from 0. No band counts as less than
    `ENERGY_FLOOR` of the whole, and a residual that does not move gives 0.

    Parameters
    ----------
    residual_BH : ndarray of shape (n_windows, prediction_length)
    sampling_rate_hz : float
    cut_hz : float or None
        None is 0.2 of Nyquist.

    Raises
    ------
    ValueError
        If no frequency of the horizon's spectrum lies on one side of the cut.
    """
    frequencies = np.fft.rfftfreq(residual_BH.shape[1], 1.0 / sampling_rate_hz)[1:]
    cut = 0.2 * sampling_rate_hz / 2 if cut_hz is None else cut_hz
    if not frequencies[0] <= cut < frequencies[-1]:
        raise ValueError(
            f"cut_hz {cut:g} parts nothing: the residual's spectrum has frequencies from {frequencies[0]:g} "
            f"to {frequencies[-1]:g} Hz ({residual_BH.shape[1]} samples at {sampling_rate_hz:g} Hz)"
        )
    centred_BH = residual_BH - residual_BH.mean(axis=1, keepdims=True)
    energy = np.abs(np.fft.rfft(centred_BH, axis=1)[:, 1:]) ** 2
    energy[:, : (residual_BH.shape[1] - 1) // 2] *= 2.0  # each stands for its negative frequency too; Nyquist does not
    low_B, high_B = energy[:, frequencies <= cut].sum(axis=1), energy[:, frequencies > cut].sum(axis=1)
    noise_B = (np.finfo(np.float32).eps * residual_BH.shape[1] * np.abs(residual_BH).max(axis=1)) ** 2
    floor_B = np.maximum(ENERGY_FLOOR * (low_B + high_B), noise_B + np.finfo(np.float64).tiny)
    return np.log10(np.maximum(high_B, floor_B) / np.maximum(low_B, floor_B))


def bounded_ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Return the ratio of two errors, at most `RATIO_LIMIT`; 1 where both are 0.

    Parameters
    ----------
    numerator, denominator : ndarray
        Not negative, of one shape.
    """
    ratio = np.ones(np.broadcast(numerator, denominator).shape)
    ratio[numerator > RATIO_LIMIT * denominator] = RATIO_LIMIT
    return np.divide(
        numerator, denominator, out=ratio, where=(denominator > 0) & (numerator <= RATIO_LIMIT * denominator)
    )


def _check_forecast(y_BH: np.ndarray, quantiles_BHQ: np.ndarray, quantile_levels: Sequence[float]) -> None:
    """Raise ValueError unless signal, quantiles and levels fit each other and are finite."""
    expected = (*y_BH.shape, len(quantile_levels))
    if y_BH.ndim != 2 or quantiles_BHQ.shape != expected:
        raise ValueError(f"quantiles have shape {quantiles_BHQ.shape}; signal and levels ask for {expected}")
    broken_B = ~(np.isfinite(y_BH).all(axis=1) & np.isfinite(quantiles_BHQ).all(axis=(1, 2)))
    if broken_B.any():
        raise ValueError(
            f"signal or forecast is not finite in {int(broken_B.sum())} of {len(broken_B)} windows, "
            f"the first: {int(np.flatnonzero(broken_B)[0])}"
        )
