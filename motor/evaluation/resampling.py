"""How far a figure could move with other motors: resampling whole motors, never single series.

Shapes: R = 1 + resamples (row 0 is the measured sample), M motors, n series, C classes, K comparisons.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

N_RESAMPLES = 1000
SEED = 123
COVERAGE = 0.95


def motor_weights(strata: Sequence[Hashable]) -> NDArray[np.float64]:
    """Draw the weights of motors in each resample.

    In a stratum of m motors, m - 1 are drawn with replacement and each draw weighs m / (m - 1): the
    rescaling keeps the variance unbiased where a plain bootstrap of few motors is too narrow
    (Rao & Wu, J. Am. Stat. Assoc. 83, 1988). The only motor of a stratum keeps weight 1.

    Parameters
    ----------
    strata : sequence of n_motors hashables
        The stratum of each motor, in a fixed order of motors.

    Returns
    -------
    ndarray of shape (1 + N_RESAMPLES, n_motors)
        Row 0 is all ones; the rest are the resamples, the same on each call.
    """
    generator = np.random.default_rng(SEED)
    weights = np.ones((1 + N_RESAMPLES, len(strata)))
    for stratum in sorted(set(strata), key=repr):
        members = [index for index, value in enumerate(strata) if value == stratum]
        size = len(members)
        if size > 1:
            draws = generator.multinomial(size - 1, np.full(size, 1 / size), size=N_RESAMPLES)
            weights[1:, members] = draws * (size / (size - 1))
    return weights


def motor_confusions(
    true_n: NDArray[np.intp], predicted_n: NDArray[np.intp], motor_n: NDArray[np.intp], n_motors: int, n_classes: int
) -> NDArray[np.float64]:
    """Count each motor's series by true (rows) and predicted (columns) class: shape (M, C, C)."""
    counts = np.zeros((n_motors, n_classes, n_classes))
    np.add.at(counts, (motor_n, true_n, predicted_n), 1.0)
    return counts


def weighted_confusions(weights_RM: NDArray[np.float64], confusions_MCC: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up the motors' confusion matrices under each resample's weights: shape (R, C, C)."""
    return np.einsum("rm,mij->rij", weights_RM, confusions_MCC, optimize=True)


def f1_by_class(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 = 2 TP / (2 TP + FP + FN) over the last two axes; NaN for a class without series.

    Parameters
    ----------
    confusions : ndarray of shape (..., C, C)
        Rows are true classes.
    """
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    support = confusions.sum(axis=-1)
    total = support + confusions.sum(axis=-2)
    return np.divide(2 * hits, total, out=np.full(hits.shape, np.nan), where=support > 0)


def macro_f1(confusions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean F1 over the classes that have series, of shape (...); NaN where none has."""
    scores = f1_by_class(confusions)
    present = ~np.isnan(scores)
    n_present = present.sum(axis=-1)
    total = np.where(present, scores, 0.0).sum(axis=-1)
    return np.divide(total, n_present, out=np.full(total.shape, np.nan), where=n_present > 0)


def roc_auc(
    score_n: NDArray[np.float64], positive_n: NDArray[np.bool_], weights_Rn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability that a positive series scores above a negative one, ties counted half: shape (R,).

    The Mann-Whitney form of the area under the ROC curve (Hanley & McNeil, Radiology 143, 1982), with
    weights. NaN where one side is empty.
    """
    order = np.argsort(score_n, kind="stable")
    starts = np.flatnonzero(np.diff(score_n[order], prepend=np.nan) != 0)
    weights = weights_Rn[:, order]
    negative = np.add.reduceat(np.where(positive_n[order], 0.0, weights), starts, axis=1)
    positive = np.add.reduceat(np.where(positive_n[order], weights, 0.0), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.divide((positive * below).sum(axis=1), pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def percentile_interval(values_R: NDArray[np.float64]) -> tuple[float, float]:
    """Return the central 95 % of the resamples (row 0, the measured value, left out)."""
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(values_R[1:], [tail, 1 - tail])
    return float(low), float(high)


def simultaneous_intervals(differences_RK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return intervals that hold for all K differences together: shape (K, 2).

    Each is symmetric about the measured difference, and as wide as the largest studentised deviation
    of any of them allows (single-step max-T; Westfall & Young, Resampling-Based Multiple Testing, 1993),
    so that the best of many is not taken for better by its luck alone.
    """
    measured = differences_RK[0]
    deviations = differences_RK[1:] - measured
    errors = np.sqrt((deviations**2).mean(axis=0))
    studentised = np.divide(np.abs(deviations), errors, out=np.zeros_like(deviations), where=errors > 1e-12)
    reach = np.quantile(studentised.max(axis=1), COVERAGE) * errors
    return np.stack([measured - reach, measured + reach], axis=1)
