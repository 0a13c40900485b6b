"""Where a deep detector's score comes from: integrated gradients over columns, by captum, and their check by deletion.

Shapes: N rows, D columns.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from motor.judges.estimators.deep.networks import exactly

N_STEPS = 32  # of the path from the baseline
MASKED = 0.1  # share of the columns that a check deletes
N_DRAWS = 10  # of as many columns by chance, whose mean is compared


def attributed(detector: Pipeline, X: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much each column makes a row stranger than the mean training row: (N, D).

    Integrated gradients (Sundararajan, Taly and Yan 2017, ICML, eq. 1) of the anomaly score, from the mean training
    row on: a row's values add up to its score over that one's, but for the steps of the path.

    Parameters
    ----------
    detector : Pipeline
        A fitted deep detector (see `motor.judges.scoring.can_attribute`).
    X : ndarray of shape (n_rows, n_columns)
    """
    from captum.attr import IntegratedGradients

    row_ND = torch.from_numpy(np.asarray(detector[:-1].transform(X), dtype=np.float32))
    strangeness = detector[-1].strangeness(row_ND.shape[1])

    def compute() -> NDArray[np.float64]:
        found = IntegratedGradients(strangeness).attribute(row_ND, torch.zeros_like(row_ND), n_steps=N_STEPS)
        return np.asarray(found.detach().double().numpy())

    return exactly(compute, seed=0)


def moved_by_deletion(
    detector: Pipeline, X: NDArray[Any], attribution_ND: NDArray[np.float64], seed: int = 0, share: float = MASKED
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far scores move where the most attributed columns are set to their training means, or random ones.

    Returns
    -------
    moved_N, by_chance_N : ndarray of shape (n_rows,)
        What is attributed rightly moves a score much further than as many columns by chance.
    """
    n_masked = max(1, round(share * X.shape[1]))
    random = np.random.default_rng(seed)
    most_NK = np.argsort(-attribution_ND, axis=1, kind="stable")[:, :n_masked]
    columns_ND = np.tile(np.arange(X.shape[1]), (len(X), 1))
    by_chance = [_moved(detector, X, random.permuted(columns_ND, axis=1)[:, :n_masked]) for _ in range(N_DRAWS)]
    return _moved(detector, X, most_NK), np.mean(by_chance, axis=0)


def _moved(detector: Pipeline, X: NDArray[Any], columns_NK: NDArray[np.int64]) -> NDArray[np.float64]:
    masked = np.array(X, dtype=np.float64)
    np.put_along_axis(masked, columns_NK, detector[0].mean_[columns_NK], axis=1)
    return np.asarray(np.abs(detector.score_samples(masked) - detector.score_samples(X)))
