"""Paired comparisons: everything else equal, averaged, with an interval from resampled motors.

Shapes: R = 1 + resamples (row 0 is the measured sample), M motors, K columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.power import motors_needed, smallest_shown
from motor.evaluation.scores import Scores, SliceKey

if TYPE_CHECKING:
    from collections.abc import Sequence

# Six motors that all speak for the same side are the fewest that a two-sided sign test calls no chance:
# 2 / 2**6 = 0.03. With fewer, a bootstrap interval that leaves out zero proves nothing.
LEAST_MOTORS = 6

Level = str | int
Group = dict[Level, SliceKey]  # slices that are equal in all but one axis
Pair = tuple[SliceKey, SliceKey]


@dataclass(frozen=True)
class Difference:
    """By how much `first` is better than `second`, in the unit of the metric, averaged over pairs of slices.

    It is turned so that more than 0 means that the first is better, whatever the direction of the metric.

    Attributes
    ----------
    interval : (low, high) or None
        95 %, for all differences of one question together; None where `lone` is why.
    n_pairs : int
        Pairs of slices that are equal in all else.
    n_motors, n_differing : int
        Test motors, and those of them on which the two differ at all.
    lone : (class, domain) or None
        A class that rests on one motor in a domain, so that no honest interval can be drawn.
    standard_deviation : float
        Of the difference over motors: its standard error times the root of `n_motors`.
    level : float
        Two-sided level of this one comparison, so that 5 % holds for all of its question.
    degrees_of_freedom : float
        Of the standard error (Welch-Satterthwaite).
    """

    first: Level
    second: Level
    value: float
    interval: tuple[float, float] | None
    n_pairs: int
    n_motors: int
    n_differing: int
    lone: tuple[str, str] | None = None
    standard_deviation: float = 0.0
    level: float = 0.05
    degrees_of_freedom: float = np.inf

    @property
    def told_apart(self) -> bool:
        """Whether the motors suffice to say which one is better."""
        if self.interval is None or self.n_differing < LEAST_MOTORS:
            return False
        return self.interval[0] > 0 or self.interval[1] < 0

    @property
    def motors_needed(self) -> int | None:
        """How many test motors would show a difference this large with 80 % power; None if 10 000 do not."""
        needed = motors_needed(self.value, self.standard_deviation, self.level, self._freedom_per_motor)
        if needed is None or not self.n_differing:
            return None
        enough_differ = -(-LEAST_MOTORS * self.n_motors // self.n_differing)
        return max(needed, enough_differ, self.n_motors + 1)

    @property
    def smallest_shown(self) -> float | None:
        """The least difference that so many motors show with 80 % power."""
        return smallest_shown(self.n_motors, self.standard_deviation, self.level, self._freedom_per_motor)

    @property
    def _freedom_per_motor(self) -> float:
        return min(self.degrees_of_freedom, self.n_motors - 1) / max(self.n_motors, 1)


@dataclass(frozen=True)
class Levels:
    """The levels of one axis, compared over the settings in which all of them have a result.

    Attributes
    ----------
    means : dict
        Level -> its figure, averaged over the settings.
    best : str or int
        The level of the best mean.
    behind : dict
        Every other level -> the best one's lead over it; intervals as for the largest of all pairs, because
        the best was found by looking.
    n_settings, n_incomplete : int
        Settings compared, and those left out for want of some level.
    missing : tuple
        Levels that share no setting with the others, and so are not compared.
    """

    means: dict[Level, float]
    best: Level
    behind: dict[Level, Difference]
    n_settings: int
    n_incomplete: int
    missing: tuple[Level, ...] = ()

    @property
    def not_worse(self) -> list[Level]:
        """The best level and all that cannot be told from it, in the axis' order."""
        return [level for level in self.means if level == self.best or not self.behind[level].told_apart]


@dataclass(frozen=True, eq=False)
class Column:
    """The average of several slices: the figure under each resample, how well each motor is judged, its influence."""

    values_R: NDArray[np.float64]
    by_motor_M: NDArray[np.float64]
    influence_M: NDArray[np.float64]

    def minus(self, other: Column) -> Column:
        """Return the difference in all three."""
        return Column(
            self.values_R - other.values_R,
            self.by_motor_M - other.by_motor_M,
            self.influence_M - other.influence_M,
        )


def column(scores: Scores, keys: Sequence[SliceKey]) -> Column:
    """Average slices."""
    return average([Column(scores.values_R[key], scores.by_motor_M[key], scores.influence_M[key]) for key in keys])


def average(columns: Sequence[Column]) -> Column:
    """Average columns; how well a motor is judged over those that tested it."""
    by_motor = np.stack([one.by_motor_M for one in columns])
    tested = ~np.isnan(by_motor)
    total = np.where(tested, by_motor, 0.0).sum(axis=0)
    return Column(
        np.mean([one.values_R for one in columns], axis=0),
        np.divide(total, tested.sum(axis=0), out=np.full(len(total), np.nan), where=tested.any(axis=0)),
        np.mean([one.influence_M for one in columns], axis=0),
    )


def differences(scores: Scores, contrasts: Sequence[tuple[Level, Level, list[Pair]]]) -> list[Difference]:
    """Compute the differences of several contrasts (first, second, pairs), intervals for all together."""
    columns = [
        column(scores, [first for first, _ in pairs]).minus(column(scores, [second for _, second in pairs]))
        for _, _, pairs in contrasts
    ]
    level = resampling.familywise_level(np.stack([one.values_R for one in columns], axis=1))
    return [
        difference(scores, (first, second), one, level, len(pairs), {domain for pair in pairs for _, domain in pair})
        for (first, second, pairs), one in zip(contrasts, columns, strict=True)
    ]


def leads(
    scores: Scores, columns: Mapping[Level, Column], best: Level, n_pairs: int, domains: set[str]
) -> dict[Level, Difference]:
    """Return the lead of the best column over each of the others, judged as the largest of all pairs."""
    if len(columns) < 2:
        return {}
    level = resampling.familywise_level_of_pairs(np.stack([one.values_R for one in columns.values()], axis=1))
    return {
        name: difference(scores, (best, name), columns[best].minus(other), level, n_pairs, domains)
        for name, other in columns.items()
        if name != best
    }


def difference(
    scores: Scores, names: tuple[Level, Level], found: Column, level: float, n_pairs: int, domains: set[str]
) -> Difference:
    """Judge one difference at a level: Student's interval with the resamples' standard error."""
    error = float(resampling.standard_errors(found.values_R[:, None])[0])
    freedom = resampling.welch_degrees_of_freedom(found.influence_M, scores.strata)
    value, reach = (
        scores.rank_by.sign * float(found.values_R[0]),
        error * float(resampling.quantile_of_level(level, freedom)),
    )
    lone = scores.lone(domains)
    n_motors = int((~np.isnan(found.by_motor_M)).sum())
    return Difference(
        *names,
        value=value,
        interval=None if lone else (value - reach, value + reach),
        n_pairs=n_pairs,
        n_motors=n_motors,
        n_differing=int((np.abs(np.nan_to_num(found.by_motor_M)) > 1e-12).sum()),
        lone=lone,
        standard_deviation=error * n_motors**0.5,
        level=level,
        degrees_of_freedom=freedom,
    )


def compare_levels(scores: Scores, groups: list[Group]) -> Levels | None:
    """Compare the levels of an axis; None if no setting has two or more of them.

    Parameters
    ----------
    scores : Scores
        The scored slices.
    groups : list of dict
        One for each setting of everything else: level -> slice.
    """
    every = _ordered({level for group in groups for level in group}, groups)
    levels = _comparable(every, groups)
    complete = [group for group in groups if set(levels) <= set(group)]
    if len(levels) < 2 or not complete:
        return None
    columns = {level: column(scores, [group[level] for group in complete]) for level in levels}
    means = {level: float(found.values_R[0]) for level, found in columns.items()}
    best = max(levels, key=lambda level: round(scores.rank_by.sign * means[level], 12))  # of equal ones the first
    domains = {domain for group in complete for _, domain in group.values()}
    behind = leads(scores, columns, best, len(complete), domains)
    missing = tuple(level for level in every if level not in levels)
    return Levels(means, best, behind, len(complete), len(groups) - len(complete), missing)


def _comparable(levels: list[Level], groups: list[Group]) -> list[Level]:
    """Leave out the rarest level, again and again, until the rest share a setting."""
    kept = list(levels)
    while len(kept) > 1 and not any(set(kept) <= set(group) for group in groups):
        kept.remove(min(reversed(kept), key=lambda level: sum(level in group for group in groups)))
    return kept


def _ordered(levels: set[Level], groups: list[Group]) -> list[Level]:
    """Numbers by size, names in the cells' order."""
    if all(isinstance(level, int) for level in levels):
        return sorted(levels)
    return list(dict.fromkeys(level for group in groups for level in group))
