"""Where a deep detector's score comes from: columns taken out in rounds, by captum, and their check by deletion.

Shapes: N rows, M normal rows, K of them, D columns.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from torch import Tensor

from motor.judges.estimators.deep.networks import exactly
from motor.lazy import captum

MASKED = 0.1  # share of the columns that is taken out, and that a check deletes
N_ROUNDS = 16
N_BASELINES = 4  # nearest normal rows whose columns stand in; the check takes the next ones
AT_ONCE = 1024  # rows that captum tries in one batch
N_DRAWS = 10  # of as many columns by chance, whose mean is compared


def attributed(detector: Pipeline, X: NDArray[Any], normal_X: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much less strange a row is with a normal row's value in each column: (N, D).

    Feature ablation in rounds: each takes the columns out whose replacement by those of the nearest normal rows lowers
    the anomaly score most, with those of earlier rounds replaced already, until a tenth (`MASKED`) is out. A column has
    what it took off in its round; what was never taken out has less than any that was. Normal rows stand in, and not
    the mean row: an encoder without bias terms calls that stranger than any series, as it has none of their noise.
    Each row is looked at by itself.

    Parameters
    ----------
    detector : Pipeline
        A fitted deep detector (see `motor.judges.scoring.can_attribute`).
    X : ndarray of shape (n_rows, n_columns)
    normal_X : ndarray of shape (n_normal_rows, n_columns)
        What it was fitted on, or other normal rows.
    """
    row_ND, normal_MD = _scaled(detector, X), _scaled(detector, normal_X)
    strangeness = detector[-1].strangeness(row_ND.shape[1])

    def compute() -> list[Tensor]:
        return [_in_rounds(strangeness, row_D, _nearest(normal_MD, row_D, 0)) for row_D in row_ND]

    return np.array([found_D.double().numpy() for found_D in exactly(compute, seed=0)]).reshape(row_ND.shape)


def moved_by_deletion(
    detector: Pipeline, X: NDArray[Any], normal_X: NDArray[Any], attribution_ND: NDArray[np.float64], seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far scores move where normal values replace the most attributed columns, or as many by chance.

    The normal rows are others than those that `attributed` took, where there are enough.

    Returns
    -------
    moved_N, by_chance_N : ndarray of shape (n_rows,)
        From a score to its mean over the normal rows. What is attributed rightly moves it much further than chance.
    """
    row_ND, normal_MD = _scaled(detector, X), _scaled(detector, normal_X)
    strangeness = detector[-1].strangeness(row_ND.shape[1])
    n_masked, random = _n_masked(X.shape[1]), np.random.default_rng(seed)
    moved, by_chance = [], []
    with torch.inference_mode():
        for row_D, attribution_D in zip(row_ND, attribution_ND, strict=True):
            near_KD = _nearest(normal_MD, row_D, N_BASELINES)
            most = np.argsort(-attribution_D, kind="stable")[:n_masked]
            draws = [random.permutation(X.shape[1])[:n_masked] for _ in range(N_DRAWS)]
            moved.append(_moved(strangeness, row_D, near_KD, most))
            by_chance.append(np.mean([_moved(strangeness, row_D, near_KD, drawn) for drawn in draws]))
    return np.array(moved), np.array(by_chance)


def _in_rounds(strangeness: Any, row_D: Tensor, near_KD: Tensor) -> Tensor:
    """Return what each column of one row took off in the round that took it out."""
    ablation, n_masked = captum.attr.FeatureAblation(strangeness), _n_masked(len(row_D))
    value_D, out_D = torch.zeros(len(row_D)), torch.zeros(len(row_D), dtype=torch.bool)
    for places in np.array_split(np.arange(n_masked), min(N_ROUNDS, n_masked)):
        left_KD = torch.where(out_D, near_KD, row_D)
        lowered_KD = ablation.attribute(left_KD, near_KD, perturbations_per_eval=max(1, AT_ONCE // len(near_KD)))
        lowered_D = lowered_KD.mean(dim=0)
        taken = lowered_D.masked_fill(out_D, -torch.inf).topk(len(places)).indices
        value_D[taken] = lowered_D[taken]
        out_D[taken] = True
    return torch.where(out_D, value_D, torch.minimum(lowered_D, value_D[out_D].min() - torch.finfo().tiny))


def _moved(strangeness: Any, row_D: Tensor, near_KD: Tensor, columns: NDArray[np.int64]) -> float:
    """Return how far a score is moved from by the mean over normal rows whose columns replace some of the row's."""
    masked_KD = row_D.repeat(len(near_KD), 1)
    masked_KD[:, columns] = near_KD[:, columns]
    return float((strangeness(masked_KD) - strangeness(row_D[None])).mean().abs())


def _nearest(normal_MD: Tensor, row_D: Tensor, first: int) -> Tensor:
    """Return normal rows from the nearest on, but for the first ones (or the last that there are)."""
    order = ((normal_MD - row_D) ** 2).sum(dim=1).argsort(stable=True)
    begin = max(0, min(first, len(order) - N_BASELINES))
    return normal_MD[order[begin : begin + N_BASELINES]]


def _n_masked(n_columns: int) -> int:
    return max(1, round(MASKED * n_columns))


def _scaled(detector: Pipeline, X: NDArray[Any]) -> Tensor:
    """Return rows as the network gets them."""
    return torch.from_numpy(np.asarray(detector[:-1].transform(X), dtype=np.float32))
