"""How far a figure could move with other motors: resampling whole motors, never single series.

Shapes: R = 1 + resamples (row 0 is the measured sample), M motors, n series, C classes, K comparisons.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from motor.lazy import scipy

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
        Row 0 is all ones; the rest are the resamples, the same on each call. It is shared, so nothing can be written
        into it.
    """
    return _drawn_weights(tuple(strata))


@lru_cache(maxsize=64)  # a report asks for the same motors thousands of times: those of each fold, recipe by recipe
def _drawn_weights(strata: tuple[Hashable, ...]) -> NDArray[np.float64]:
    generator = np.random.default_rng(SEED)
    weights = np.ones((1 + N_RESAMPLES, len(strata)))
    for stratum in sorted(set(strata), key=repr):
        members = [index for index, value in enumerate(strata) if value == stratum]
        size = len(members)
        if size > 1:
            draws = generator.multinomial(size - 1, np.full(size, 1 / size), size=N_RESAMPLES)
            weights[1:, members] = draws * (size / (size - 1))
    weights.flags.writeable = False
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


def chance_levels(counts: NDArray[np.float64]) -> dict[str, float]:
    """Return the macro-F1 of answers that look at no signal.

    Parameters
    ----------
    counts : ndarray of shape (C,)
        Test series of each class; classes without any are left out of the mean.

    Returns
    -------
    dict
        `majority`: always the most frequent class. `uniform`: each class named equally often, from the
        expected counts.
    """
    counts = counts[counts > 0]
    largest = float(counts.max())
    uniform = 2 * counts / (len(counts) * counts + counts.sum())
    majority = 2 * largest / (counts.sum() + largest) / len(counts)
    return {"majority": float(majority), "uniform": float(uniform.mean())}


def macro_f1_influence(confusions_MCC: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each motor adds to macro-F1: its derivative by the motor's weight, shape (M,).

    The infinitesimal jackknife (Jaeckel, Bell Labs MM 72-1215-11, 1972), by central differences; the values
    add up to zero, for macro-F1 does not change when all weights grow alike.
    """
    step = 1e-4
    total_CC = confusions_MCC.sum(axis=0)
    above, below = macro_f1(total_CC + step * confusions_MCC), macro_f1(total_CC - step * confusions_MCC)
    return np.asarray((above - below) / (2 * step))


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


def average_precision(
    score_n: NDArray[np.float64], positive_n: NDArray[np.bool_], weights_Rn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum over falling thresholds of (recall gained) x (precision there), with weights: shape (R,).

    Tied scores are one threshold. NaN where one side is empty.
    """
    order = np.argsort(-score_n, kind="stable")
    starts = np.flatnonzero(np.diff(score_n[order], prepend=np.nan) != 0)
    weights = weights_Rn[:, order]
    hits = np.add.reduceat(np.where(positive_n[order], weights, 0.0), starts, axis=1)
    named = np.cumsum(np.add.reduceat(weights, starts, axis=1), axis=1)
    positive = hits.sum(axis=1)
    is_defined = (positive > 0) & (named[:, -1] > positive)
    precision = np.divide(np.cumsum(hits, axis=1), named, out=np.zeros_like(named), where=named > 0)
    return np.divide((hits * precision).sum(axis=1), positive, out=np.full(len(positive), np.nan), where=is_defined)


def roc_curves(
    score_n: NDArray[np.float64], positive_n: NDArray[np.bool_], weights_Rn: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ROC curve under each resample: its false-positive and its true-positive rates, shape (R, K) each.

    K - 1 distinct scores, from none to all positive. NaN where one side is empty.
    """
    order = np.argsort(-score_n, kind="stable")
    starts = np.flatnonzero(np.diff(score_n[order], prepend=np.nan) != 0)
    weights = weights_Rn[:, order]
    rates = []
    for is_side in (~positive_n[order], positive_n[order]):
        counts = np.cumsum(np.add.reduceat(np.where(is_side, weights, 0.0), starts, axis=1), axis=1)
        total = counts[:, -1:]
        share = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
        rates.append(np.concatenate([0 * share[:, :1], share], axis=1))
    is_lost = np.isnan(rates[0]) | np.isnan(rates[1])
    return np.where(is_lost, np.nan, rates[0]), np.where(is_lost, np.nan, rates[1])


def strata_degrees_of_freedom(strata: Sequence[Hashable]) -> int:
    """Return how many deviations of motors from their stratum's mean are free: sum of (motors - 1)."""
    return sum(size - 1 for size in Counter(strata).values())


def percentile_interval(values_R: NDArray[np.float64], degrees_of_freedom: float = np.inf) -> tuple[float, float]:
    """Return the central 95 % of the resamples (row 0, the measured value, left out).

    Percentiles of few motors are too narrow, as normal quantiles are where Student's are due; the tails are
    moved out to where a normal distribution has Student's quantile (the expanded percentile interval;
    Hesterberg, The American Statistician 69, 2015).

    Parameters
    ----------
    values_R : ndarray of shape (R,)
        A figure under each resample.
    degrees_of_freedom : float
        From `strata_degrees_of_freedom`; infinite for none of this.
    """
    tail = (1 - COVERAGE) / 2
    if np.isfinite(degrees_of_freedom):
        tail = float(scipy.special.ndtr(scipy.special.stdtrit(max(degrees_of_freedom, 1.0), tail)))
    low, high = np.quantile(values_R[1:], [tail, 1 - tail])
    return float(low), float(high)


def simultaneous_intervals(
    differences_RK: NDArray[np.float64], degrees_of_freedom_K: NDArray[np.float64] | float = np.inf
) -> NDArray[np.float64]:
    """Return intervals that hold for all K differences together: shape (K, 2).

    Each is symmetric about the measured difference, and as wide as the largest studentised deviation
    of any of them allows (single-step max-T; Westfall & Young, Resampling-Based Multiple Testing, 1993),
    so that the best of many is not taken for better by its luck alone.

    Parameters
    ----------
    differences_RK : ndarray of shape (R, K)
        Row 0 holds the measured differences.
    degrees_of_freedom_K : ndarray of shape (K,) or float
        Of each difference's standard error, from `welch_degrees_of_freedom`; infinite for normal quantiles.
    """
    errors_K = standard_errors(differences_RK)
    reach_K = quantile_of_level(familywise_level(differences_RK), degrees_of_freedom_K) * errors_K
    return np.stack([differences_RK[0] - reach_K, differences_RK[0] + reach_K], axis=1)


def standard_errors(values_RK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean squared deviation of the resamples from the measured value: shape (K,)."""
    return np.sqrt(((values_RK[1:] - values_RK[0]) ** 2).mean(axis=0))


def familywise_level(differences_RK: NDArray[np.float64]) -> float:
    """Return the level at which each of K differences is to be tested, so that 5 % holds for all together.

    It is the two-sided level of the 95 % quantile of the largest studentised deviation; no less than
    Bonferroni's, which resamples cannot resolve further.
    """
    deviations = differences_RK[1:] - differences_RK[0]
    return _level_of_largest(_studentised(deviations).max(axis=1), differences_RK.shape[1])


def familywise_level_of_pairs(values_RK: NDArray[np.float64]) -> float:
    """Return the level for all K (K - 1) / 2 differences between K figures, as `familywise_level` does for K.

    The best of K is found by looking at all of them: its leads are judged as what they are, the largest of
    all pairs, not as if it had been named beforehand.
    """
    deviations_RK = values_RK[1:] - values_RK[0]
    n_figures = values_RK.shape[1]
    largest_R = np.zeros(len(deviations_RK))
    for index in range(n_figures - 1):
        pairs = deviations_RK[:, index + 1 :] - deviations_RK[:, [index]]
        np.maximum(largest_R, _studentised(pairs).max(axis=1), out=largest_R)
    return _level_of_largest(largest_R, n_figures * (n_figures - 1) // 2)


def quantile_of_level(level: float, degrees_of_freedom: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return Student's two-sided quantile of a level; the normal one where the degrees of freedom are infinite."""
    # Beyond a million the two agree, and stdtrit has no infinity.
    freedom = np.clip(np.asarray(degrees_of_freedom, dtype=float), 1.0, 1e6)
    return np.asarray(-scipy.special.stdtrit(freedom, level / 2))


def welch_degrees_of_freedom(influence_M: NDArray[np.float64], strata: Sequence[Hashable]) -> float:
    """Return the degrees of freedom of a standard error that adds up over strata.

    Welch-Satterthwaite (Satterthwaite, Biometrics Bulletin 2, 1946): few where most of the variance comes
    from a stratum of few motors, however many motors the others have.

    Parameters
    ----------
    influence_M : ndarray of shape (M,)
        What each motor adds to the figure: its derivative by the motor's weight.
    strata : sequence of n_motors hashables
        As for `motor_weights`.
    """
    members: dict[Hashable, list[int]] = {}
    for index, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(index)
    several = [rows for rows in members.values() if len(rows) > 1]
    sizes = np.array([len(rows) for rows in several], dtype=float)
    variances = np.array([len(rows) * np.var(influence_M[rows], ddof=1) for rows in several])
    if not variances.size or variances.max() <= 0:
        return float(max(len(influence_M) - len(members), 1))
    return float(variances.sum() ** 2 / (variances**2 / (sizes - 1)).sum())


def _studentised(deviations_RK: NDArray[np.float64]) -> NDArray[np.float64]:
    errors = np.sqrt((deviations_RK**2).mean(axis=0))
    return np.divide(np.abs(deviations_RK), errors, out=np.zeros_like(deviations_RK), where=errors > 1e-12)


def _level_of_largest(largest_R: NDArray[np.float64], n_comparisons: int) -> float:
    """Two-sided normal level of the 95 % quantile of the largest of several studentised deviations."""
    level = float(2 * scipy.special.ndtr(-np.quantile(largest_R, COVERAGE)))
    return float(np.clip(level, (1 - COVERAGE) / n_comparisons, 1 - COVERAGE))
