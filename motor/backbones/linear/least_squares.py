"""Ridge regression of many steps at once from a stream of rows, and quantiles of its errors from a second pass.

Shapes: R rows, L columns, H steps (of a horizon), Q quantiles, K bins.
"""

from dataclasses import dataclass

import numpy as np

from motor.lazy import scipy

LEAST_RMS = 1e-6
BINS_EACH_SIDE, BIN = 800, 0.01
"""Of the histograms of errors, in units of each step's root mean square: what lies past 8 counts as 8."""


@dataclass
class NormalEquations:
    """Sums over rows, in float64: what a ridge regression needs of them."""

    gram_LL: np.ndarray
    cross_LH: np.ndarray
    squares_H: np.ndarray
    n_rows: int = 0
    n_windows: int = 0

    @classmethod
    def empty(cls, n_columns: int, n_steps: int) -> "NormalEquations":
        return cls(np.zeros((n_columns, n_columns)), np.zeros((n_columns, n_steps)), np.zeros(n_steps))

    def add(self, n_windows: int, rows_RL: np.ndarray, future_RH: np.ndarray) -> None:
        """Add the rows that were cut from so many windows."""
        self.gram_LL += rows_RL.T @ rows_RL
        self.cross_LH += rows_RL.T @ future_RH
        self.squares_H += np.einsum("rh,rh->h", future_RH, future_RH)
        self.n_rows += len(rows_RL)
        self.n_windows += n_windows

    def solved(self, penalty: float) -> np.ndarray:
        """Return the ridge coefficients (Hastie et al. 2009, eq. 3.44): shape (n_columns, n_steps).

        Parameters
        ----------
        penalty : float
            For each row; the last column is the intercept's, which is not penalised.
        """
        penalties_L = np.full(len(self.gram_LL), penalty * self.n_rows)
        penalties_L[-1] = 0.0
        return scipy.linalg.solve(self.gram_LL + np.diag(penalties_L), self.cross_LH, assume_a="pos")

    def rms(self, coefficient_LH: np.ndarray) -> np.ndarray:
        """Return the root mean square of the errors in the rows, by step."""
        explained_H = ((2 * self.cross_LH - self.gram_LL @ coefficient_LH) * coefficient_LH).sum(axis=0)
        return np.sqrt(np.maximum(self.squares_H - explained_H, LEAST_RMS**2 * self.n_rows) / self.n_rows)


@dataclass
class ErrorHistogram:
    """Counts of errors, by step, in units of each step's root mean square."""

    rms_H: np.ndarray
    counts_HK: np.ndarray

    @classmethod
    def empty(cls, rms_H: np.ndarray) -> "ErrorHistogram":
        return cls(rms_H, np.zeros((len(rms_H), 2 * BINS_EACH_SIDE), dtype=np.int64))

    def add(self, error_RH: np.ndarray) -> None:
        """Count the errors of some rows."""
        n_steps, n_bins = self.counts_HK.shape
        bin_RH = np.clip(np.floor(error_RH / self.rms_H / BIN).astype(np.int64) + BINS_EACH_SIDE, 0, n_bins - 1)
        flat = (bin_RH + np.arange(n_steps) * n_bins).ravel()
        self.counts_HK += np.bincount(flat, minlength=self.counts_HK.size).reshape(self.counts_HK.shape)

    def quantiles(self, levels: tuple[float, ...]) -> np.ndarray:
        """Return the quantiles of the errors that were counted: shape (n_steps, n_levels).

        Errors are taken as evenly spread within a bin, so a quantile is off by less than a bin.
        """
        found = [_quantiles(counts_K, np.asarray(levels)) for counts_K in self.counts_HK]
        return np.stack(found) * self.rms_H[:, None]


def _quantiles(counts_K: np.ndarray, levels_Q: np.ndarray) -> np.ndarray:
    reached_K = np.cumsum(counts_K)
    wanted_Q = levels_Q * reached_K[-1]
    bin_Q = np.searchsorted(reached_K, wanted_Q)
    share_Q = 1 - (reached_K[bin_Q] - wanted_Q) / counts_K[bin_Q]
    return BIN * (bin_Q - BINS_EACH_SIDE + share_Q)
