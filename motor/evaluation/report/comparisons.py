"""Paired comparisons: everything else equal, averaged, with an interval from resampled motors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.report.cells import CellResult
from motor.evaluation.report.scores import Scores, SliceKey
from motor.evaluation.resampling import simultaneous_intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

# Six motors that all speak for the same side are the fewest that a two-sided sign test calls no chance:
# 2 / 2**6 = 0.03. With fewer, a bootstrap interval that leaves out zero proves nothing.
LEAST_MOTORS = 6

Pair = tuple[SliceKey, SliceKey]
Group = dict[str | int, SliceKey]


@dataclass(frozen=True)
class Difference:
    """Macro-F1 of `first` minus that of `second`, averaged over pairs of slices.

    Attributes
    ----------
    interval : (low, high) or None
        95 %, for all differences of one question together; None where `reason` says why.
    n_pairs : int
        Pairs of slices that are equal in all else.
    n_motors, n_differing : int
        Test motors, and those of them on which the two differ at all.
    """

    first: str | int
    second: str | int
    value: float
    interval: tuple[float, float] | None
    n_pairs: int
    n_motors: int
    n_differing: int
    reason: str | None = None

    @property
    def told_apart(self) -> bool:
        """Whether the motors suffice to say which one is better."""
        if self.interval is None or self.n_differing < LEAST_MOTORS:
            return False
        return self.interval[0] > 0 or self.interval[1] < 0

    @property
    def conclusion(self) -> str:
        """Whether `first` pays, in plain words."""
        if not self.told_apart:
            return f"cannot tell ({self.n_motors} motors)"
        return "pays" if self.value > 0 else "does not pay"


@dataclass(frozen=True)
class Levels:
    """The levels of one axis, compared over the settings in which all of them have a result.

    Attributes
    ----------
    means : dict
        Level -> macro-F1, averaged over the settings.
    best : str or int
        The level of the greatest mean.
    behind : dict
        Every other level -> the best one's lead over it.
    n_settings, n_incomplete : int
        Settings compared, and those left out for want of some level.
    """

    means: dict[str | int, float]
    best: str | int
    behind: dict[str | int, Difference]
    n_settings: int
    n_incomplete: int

    @property
    def not_worse(self) -> list[str | int]:
        """The best level and all that cannot be told from it, in the axis' order."""
        return [level for level in self.means if level == self.best or not self.behind[level].told_apart]


def differences(scores: Scores, contrasts: Sequence[tuple[str | int, str | int, list[Pair]]]) -> list[Difference]:
    """Compute the differences of several contrasts (first, second, pairs), intervals for all together."""
    columns_RK = np.stack([_mean_difference(scores, pairs) for _, _, pairs in contrasts], axis=1)
    intervals_K2 = simultaneous_intervals(columns_RK)
    found = []
    for (first, second, pairs), column, interval in zip(contrasts, columns_RK.T, intervals_K2, strict=True):
        motors = _motor_differences(scores, pairs)
        reason = scores.thin({domain for pair in pairs for _, domain in pair})
        limits = None if reason else (float(interval[0]), float(interval[1]))
        n_motors, n_differing = int((~np.isnan(motors)).sum()), int((np.abs(np.nan_to_num(motors)) > 1e-12).sum())
        found.append(
            Difference(first, second, float(column[0]), limits, len(pairs), n_motors, n_differing, reason=reason)
        )
    return found


def compare_levels(scores: Scores, groups: list[Group]) -> Levels | None:
    """Compare the levels of an axis; None if no setting has two or more of them.

    Parameters
    ----------
    scores : Scores
        The scored slices.
    groups : list of dict
        One for each setting of everything else: level -> slice.
    """
    levels = _ordered({level for group in groups for level in group}, groups)
    complete = [group for group in groups if len(group) == len(levels)]
    if len(levels) < 2 or not complete:
        return None
    means = {level: float(np.mean([scores.macro_f1_R[group[level]][0] for group in complete])) for level in levels}
    best = max(levels, key=lambda level: round(means[level], 12))  # of equal ones the first
    others = [level for level in levels if level != best]
    contrasts = [(best, other, [(group[best], group[other]) for group in complete]) for other in others]
    behind = dict(zip(others, differences(scores, contrasts), strict=True))
    return Levels(means, best, behind, len(complete), len(groups) - len(complete))


def axis_groups(cells: list[CellResult], scores: Scores, axis: str) -> list[Group]:
    """Group slices that are equal in all axes but one, and in the domain they are tested on."""
    return _groups(cells, scores, axis, lambda cell: cell.axes[axis])


def regime_groups(cells: list[CellResult], scores: Scores, joint: str) -> list[Group]:
    """Group the slice of a domain's own cell with the one of the joint cell in the same domain."""
    return _groups(cells, scores, "domain", lambda cell: joint if cell.axes["domain"] == joint else "alone")


def _groups(
    cells: list[CellResult], scores: Scores, axis: str, level_of: Callable[[CellResult], str | int]
) -> list[Group]:
    groups: dict[tuple[object, ...], Group] = {}
    for index, domain in scores.macro_f1_R:
        axes = cells[index].axes
        if axis in axes:
            rest = tuple(sorted((name, str(value)) for name, value in axes.items() if name != axis))
            groups.setdefault((rest, domain), {})[level_of(cells[index])] = (index, domain)
    return list(groups.values())


def _ordered(levels: set[str | int], groups: list[Group]) -> list[str | int]:
    """Numbers by size, names in the cells' order."""
    if all(isinstance(level, int) for level in levels):
        return sorted(levels)
    return list(dict.fromkeys(level for group in groups for level in group))


def _mean_difference(scores: Scores, pairs: list[Pair]) -> NDArray[np.float64]:
    """Average the pairs' differences in macro-F1 under each resample: shape (R,)."""
    return np.mean([scores.macro_f1_R[first] - scores.macro_f1_R[second] for first, second in pairs], axis=0)


def _motor_differences(scores: Scores, pairs: list[Pair]) -> NDArray[np.float64]:
    """Average the pairs' differences in accuracy on each motor: shape (M,), NaN where untested."""
    stacked = np.array([scores.accuracy_M[first] - scores.accuracy_M[second] for first, second in pairs])
    tested = ~np.isnan(stacked)
    total = np.where(tested, stacked, 0.0).sum(axis=0)
    return np.divide(total, tested.sum(axis=0), out=np.full(len(total), np.nan), where=tested.any(axis=0))
