"""Does a cue differ between the classes by more than the luck of a few motors? Labels change places between motors.

A motor's label is one draw, however many recordings it has, so labels are permuted between motors (between the
labels of one motor where it was recorded with several), and a motor keeps its label in all of its domains. Under the
null hypothesis each arrangement is as likely as the one measured, so the p-values are exact for any number of motors.

Three choices want reasons:

- The statistic is a rank test of each class against the rest, studentised (Brunner & Munzel, Biom. J. 42, 2000;
  permuted: Neubert & Brunner, Comput. Stat. Data Anal. 51, 2007): it asks where a cue lies, not how far it scatters.
  A strong fault makes the mean of a finite recording scatter more, and that is no offset.
- It does not look at the split. Nine motors in three folds with each class in each leave 216 arrangements, 36 of
  them truly different: no test could ever reject. Over all arrangements there are 1680.
- Domains are judged each by itself and all together (Fisher's sum of log p-values), and the smallest p-value counts,
  itself compared with the smallest under each permutation (Westfall & Young, Resampling-Based Multiple Testing,
  1993). Two rigs with nine motors each can so show what neither shows alone.

Shapes: R = 1 + permutations (row 0 as measured), B blocks (a motor with one label), U blocks of one domain, K tests.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_PERMUTATIONS, FEWEST_PERMUTATIONS = 19999, 1999
MOST_ENTRIES = 4_000_000
CHUNK = 2_000_000


@dataclass(frozen=True)
class Significance:
    """P-values of one cue, corrected for its domains and classes.

    Attributes
    ----------
    p_value : float
        That the cue tells no class in any domain.
    by_scope : tuple of float
        The same for each domain, and last for all domains together.
    """

    p_value: float
    by_scope: tuple[float, ...]


def permuted_labels(
    label_B: NDArray[np.intp], strata: Sequence[Hashable], seed: int, n_permutations: int | None = None
) -> NDArray[np.int8]:
    """Permute labels within strata.

    Parameters
    ----------
    label_B : ndarray of shape (n_blocks,)
    strata : sequence of n_blocks hashables
    seed : int
    n_permutations : int, optional
        Else as many as the number of blocks affords.

    Returns
    -------
    ndarray of shape (1 + n_permutations, n_blocks)
        Row 0 is `label_B`.
    """
    if n_permutations is None:
        n_permutations = int(np.clip(MOST_ENTRIES // len(label_B), FEWEST_PERMUTATIONS, MOST_PERMUTATIONS))
    generator = np.random.default_rng(seed)
    labels = np.tile(label_B.astype(np.int8), (1 + n_permutations, 1))
    members: dict[Hashable, list[int]] = {}
    for block, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(block)
    for blocks in members.values():
        labels[1:, blocks] = generator.permuted(labels[1:, blocks], axis=1)
    return labels


def rank_statistics(cue_U: NDArray[np.float64], labels_RU: NDArray[np.int8], n_classes: int) -> NDArray[np.float64]:
    """Return the absolute Brunner-Munzel statistic of each class against the rest, shape (R, n_classes).

    A class without blocks, or without others beside it, has 0. The standard error is at least that of half an
    inversion, so that perfect separation stays finite and above all else.
    """
    order = np.argsort(cue_U, kind="stable")
    ordered = cue_U[order]
    first = np.searchsorted(ordered, ordered, side="left")
    last = np.searchsorted(ordered, ordered, side="right")
    statistics = np.zeros((len(labels_RU), n_classes))
    step = max(1, CHUNK // len(cue_U))
    for start in range(0, len(labels_RU), step):
        labels = labels_RU[start : start + step, order]
        for label in range(n_classes):
            statistics[start : start + step, label] = _against_the_rest(labels == label, first, last)
    return statistics


def _against_the_rest(
    inside_RU: NDArray[np.bool_], first_U: NDArray[np.intp], last_U: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the statistic (R,) of the blocks inside a class, in the order of the cue."""
    inside = inside_RU.astype(np.float32)
    counts = np.zeros((len(inside), inside.shape[1] + 1), dtype=np.float32)
    np.cumsum(inside, axis=1, out=counts[:, 1:])
    below_in = (counts[:, first_U] + counts[:, last_U]) / 2
    n_in = counts[:, -1:].astype(np.float64)
    n_out = inside.shape[1] - n_in
    possible = (n_in[:, 0] > 0) & (n_out[:, 0] > 0)
    n_in, n_out = np.maximum(n_in, 1), np.maximum(n_out, 1)
    placed_in = ((first_U + last_U) / 2 - below_in) / n_out
    placed_out = below_in / n_in
    area, variance_in = _moments(placed_in, inside, n_in)
    _, variance_out = _moments(placed_out, 1 - inside, n_out)
    least = (0.5 / (n_in * n_out)) ** 2
    error = np.sqrt(variance_in / n_in + variance_out / n_out + least)
    return np.where(possible, np.abs(area - 0.5)[:, 0] / error[:, 0], 0.0)


def _moments(
    values: NDArray[np.float64], weights: NDArray[np.float32], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean = (values * weights).sum(axis=1, keepdims=True) / n
    squares = (values**2 * weights).sum(axis=1, keepdims=True) / n
    return mean, np.maximum(squares - mean**2, 0.0) * n / np.maximum(n - 1, 1)


def p_values(statistics_RK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each row, the share of rows with a statistic as large, shape (R, K); the row itself counts."""
    n_rows = len(statistics_RK)
    rounded = np.round(statistics_RK, 5)
    shares = np.empty(rounded.shape)
    for test in range(rounded.shape[1]):
        ordered = np.sort(rounded[:, test])
        shares[:, test] = (n_rows - np.searchsorted(ordered, rounded[:, test], side="left")) / n_rows
    return shares


def significance(statistics: Sequence[NDArray[np.float64]]) -> Significance:
    """Join the tests of several domains and classes into one p-value.

    Parameters
    ----------
    statistics : sequence of ndarray of shape (R, n_classes)
        One for each domain, of the same permutations.
    """
    shares = [p_values(of_domain) for of_domain in statistics]
    if len(shares) > 1:
        shares.append(p_values(-sum(np.log(of_domain) for of_domain in shares)))  # type: ignore[arg-type]
    smallest = np.stack([of_scope.min(axis=1) for of_scope in shares], axis=1)
    least = np.sort(smallest.min(axis=1))
    corrected = np.searchsorted(least, smallest[0] + 1e-12, side="right") / len(least)
    return Significance(float(corrected.min()), tuple(float(p) for p in corrected))


def holm_factors(p: Sequence[float]) -> list[float]:
    """Return by what Holm's correction (Scand. J. Stat. 6, 1979) multiplies each p-value."""
    raised = np.asarray(p, dtype=np.float64)
    order = np.argsort(raised)
    stepped = np.maximum.accumulate(raised[order] * np.arange(len(raised), 0, -1))
    corrected = np.empty_like(raised)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(after / before) for after, before in zip(corrected, raised, strict=True)]
