"""Scores of the recipes that nested selection chooses among, in one column: on test motors and on held-out ones.

Shapes: n series, C classes, M motors, R = 1 + resamples (row 0 is the measured sample), K recipes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from motor.evaluation import resampling
from motor.evaluation.columns import (
    Candidate,
    ChoiceColumn,
    Judged,
    Motors,
    Readings,
    Said,
    put_together,
    vote,
)
from motor.evaluation.metrics.base import Metric, squared_errors
from motor.evaluation.sheet import Sheet


@dataclass(frozen=True, eq=False)
class ColumnJudge:
    """Scores the recipes of one family in one column.

    `test_KR` holds the figure under each resample, `held_out_K` (one a fold) the measured one of held-out series, and
    `brier_K` (one a fold) their Brier score: a proper score, which tells recipes apart that name the same classes;
    where some have no probabilities, it tells none apart.
    """

    column: ChoiceColumn
    motors: Motors
    members: tuple[Candidate, ...]
    rank_by: Metric
    test_KR: NDArray[np.float64]
    held_out_K: Mapping[str, NDArray[np.float64]]
    brier_K: Mapping[str, NDArray[np.float64]]

    @classmethod
    def of(cls, column: ChoiceColumn, motors: Motors, rank_by: Metric, readings: Readings) -> ColumnJudge:
        judged = [_judged(column, one, motors, rank_by, readings) for one in column.candidates]
        held_out = {fold: np.array([one.held_out[fold] for one in judged]) for fold in column.folds}
        brier = {fold: np.array([one.brier[fold] for one in judged]) for fold in column.folds}
        test_KR = np.stack([one.test_R for one in judged])
        return cls(column, motors, column.candidates, rank_by, test_KR, held_out, brier)

    def narrowed(self, places: list[int]) -> ColumnJudge:
        """Return the judge of some of the recipes; their scores are the same."""
        members = tuple(self.members[place] for place in places)
        held_out = {fold: scores_K[places] for fold, scores_K in self.held_out_K.items()}
        brier = {fold: scores_K[places] for fold, scores_K in self.brier_K.items()}
        if any(one.held_out.probability_nC is None for one in members):
            brier = {fold: np.zeros(len(members)) for fold in brier}
        return replace(self, members=members, test_KR=self.test_KR[places], held_out_K=held_out, brier_K=brier)

    def test_values_R(self, said: Said) -> NDArray[np.float64]:
        """Score what was said of the test series."""
        return self.rank_by.resampled(self.column.sheet(self.column.test, said, self.motors))

    def chosen(self, places: Mapping[str, int]) -> Said:
        """Put together what the recipe chosen for each fold says of the fold's test series."""
        return put_together({fold: self.members[place].test for fold, place in places.items()}, self.column.test)

    def within_reach(self, places: Mapping[str, int]) -> Said:
        """Let the recipes vote whose held-out score is within one standard error of the chosen one's."""
        votes = {}
        for fold, place in places.items():
            scores_K = self.rank_by.sign * self.held_out_K[fold]
            least = scores_K[place] - self._held_out_error(fold, place) - 1e-12
            near = [one.test for one, score in zip(self.members, scores_K, strict=True) if score >= least]
            votes[fold] = vote(near or [self.members[place].test])
        return put_together(votes, self.column.test)

    def _held_out_error(self, fold: str, place: int) -> float:
        """Return the standard error of a recipe's held-out score, from resampling the motors held out in the fold."""
        values_R = self.rank_by.resampled(self.column.held_out_sheet(self.members[place], fold, self.motors))
        return float(resampling.standard_errors(values_R[:, None])[0])

    @property
    def rests_on_lone_motor(self) -> bool:
        """Whether some class has one test motor: then no honest interval can be drawn."""
        test = self.column.test
        return any(len(set(test.motor_n[test.true_n == label])) == 1 for label in set(test.true_n.tolist()))


def _judged(column: ChoiceColumn, one: Candidate, motors: Motors, rank_by: Metric, readings: Readings) -> Judged:
    """Return a recipe's figures; those that another choice between recipes has asked for already are known."""
    key = one.held_out, one.test, motors.names
    if key not in readings.judged:
        sheets = {fold: column.held_out_sheet(one, fold, motors) for fold in column.folds}
        readings.judged[key] = Judged(
            held_out={fold: rank_by.measured(sheet) for fold, sheet in sheets.items()},
            brier={fold: _brier(sheet) for fold, sheet in sheets.items()},
            test_R=rank_by.resampled(column.sheet(column.test, one.test, motors)),
        )
    return readings.judged[key]


def _brier(sheet: Sheet) -> float:
    """Return the Brier score of a recipe; 0 of one without probabilities."""
    return 0.0 if sheet.probability_nC is None else float(squared_errors(sheet).mean())
