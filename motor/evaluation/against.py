"""Any ranked recipe against any other of the same grid, from what a report keeps of its ranking.

Shapes: R = 1 + resamples, M motors, K recipes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.evaluation import resampling
from motor.evaluation.comparisons import Column, Difference, difference
from motor.evaluation.ranking import Ranking, column_of
from motor.evaluation.scores import Scores

if TYPE_CHECKING:
    from motor.evaluation.metrics.base import Metric

FILE_NAME = "ranking.npz"  # in a grid's results
Kept = Mapping[str, np.ndarray]


def kept(ranking: Ranking, scores: Scores) -> Kept:
    """Return what differences of any two ranked recipes are made from, as plain arrays.

    Returns
    -------
    mapping
        ``values`` (R, K), ``by_motor`` and ``influence`` (M, K), in the order of the ranking; ``strata`` (M,), and
        ``motors`` (domain -> class -> test motors, as JSON).
    """
    columns = [column_of(scores, recipe) for recipe in ranking.recipes]
    strata = {stratum: place for place, stratum in enumerate(dict.fromkeys(scores.strata))}
    return {
        "values": np.stack([one.values_R for one in columns], axis=1),
        "by_motor": np.stack([one.by_motor_M for one in columns], axis=1),
        "influence": np.stack([one.influence_M for one in columns], axis=1),
        "strata": np.array([strata[stratum] for stratum in scores.strata], dtype=np.int64),
        "motors": np.array(json.dumps(scores.motors)),
    }


@dataclass(frozen=True)
class Against:
    """The ranked recipes of one report against one of them.

    Attributes
    ----------
    kept : mapping
        From `kept`.
    rank_by : Metric
        What they are ranked by.
    """

    kept: Kept
    rank_by: Metric

    def of(self, reference: int) -> dict[int, Difference]:
        """Return by how much each recipe is better than the reference, intervals for all of them together.

        Parameters
        ----------
        reference : int
            Its place in the ranking; the result is by place, too.
        """
        others = [place for place in range(self.kept["values"].shape[1]) if place != reference]
        if not others:
            return {}
        columns = {place: self._column(place).minus(self._column(reference)) for place in others}
        level = resampling.familywise_level(np.stack([one.values_R for one in columns.values()], axis=1))
        scores = self._scores()
        domains = set(scores.motors)
        return {
            place: difference(scores, (place, reference), one, level, len(domains), domains)
            for place, one in columns.items()
        }

    def _column(self, place: int) -> Column:
        return Column(*(self.kept[name][:, place] for name in ("values", "by_motor", "influence")))

    def _scores(self) -> Scores:
        motors: dict[str, Any] = json.loads(str(self.kept["motors"]))
        return Scores({}, {}, {}, {}, motors, {}, tuple(self.kept["strata"].tolist()), 0, 0, self.rank_by)
