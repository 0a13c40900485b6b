"""The score rule: what a detector finds usual is normal, what it finds strange a fault that a classifier is sure of."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from motor.cuts.base import CutError
from motor.cuts.two_groups import normal_share_of
from motor.judges.scoring import FEWEST_ROWS, normality
from motor.pseudo_labels.base import LabelledSeries, Proposal, PseudoLabeller, Workshop
from motor.pseudo_labels.parts.calibration import calibrated, sharpness_of
from motor.registry import plugins

MAJORITY = 0.5


class Scores(PseudoLabeller):
    """Cuts anomaly scores: normal, strange, and uncertain between them.

    It rests on most series being normal, and stops with the estimate where they are not.
    """

    kind: Literal["scores"] = "scores"

    detector: str = Field(default="trimmed_mahalanobis", description="whose scores are cut; the name of a judge")
    cut: str = Field(default="two_groups", description="by which they are cut; the name of a plug-in")
    probability: float = Field(
        default=0.9, gt=0, lt=1, description="calibrated, of one fault among all, from which on a strange series is it"
    )

    @field_validator("detector", "cut")
    @classmethod
    def _check_is_there(cls, name: str, info: ValidationInfo) -> str:
        room = {"detector": "motor.judges", "cut": "motor.cuts"}[str(info.field_name)]
        there = plugins(room)
        fits = [kind for kind, plugin in there.items() if "decisions" not in getattr(plugin, "gives", ())]
        if name not in fits:
            raise ValueError(f"unknown {info.field_name} {name!r}; there are: {', '.join(fits)}")
        return name

    def propose(self, known: LabelledSeries, X_MD: NDArray[Any], at: Workshop) -> Proposal:
        """Return labels by scores (see `PseudoLabeller.propose`)."""
        n_series, is_normal = len(X_MD), known.label_N == at.normal
        if is_normal.sum() < FEWEST_ROWS or not n_series:
            return Proposal.nothing(n_series, "too_few_normal", {"n_normal": float(is_normal.sum())})
        score_M = -normality(at.detector().fit(known.X_ND[is_normal]), X_MD)
        normal_m = self._scores_of_normal(known, at)
        share = normal_share(score_M, normal_m)
        if share < MAJORITY:
            return Proposal.nothing(n_series, "majority_not_normal", {"normal_share": share})
        try:
            division = at.cut.divide(score_M, normal_m)
        except CutError as error:
            return Proposal.nothing(n_series, str(error), {"normal_share": share})
        notes = {"below": division.below, "above": division.above, **division.estimates, "normal_share": share}
        return self._named(known, X_MD, at, (division.normal(score_M), division.strange(score_M)), notes)

    def _scores_of_normal(self, known: LabelledSeries, at: Workshop) -> NDArray[np.float64]:
        """Return scores of known normal series by detectors that did not see their motor."""
        scores = []
        for seen, unseen in known.parts():
            rest, part = known.of(seen), known.of(unseen)
            fitted_on, scored = rest.X_ND[rest.label_N == at.normal], part.X_ND[part.label_N == at.normal]
            if len(fitted_on) >= FEWEST_ROWS and len(scored):
                scores.append(-normality(at.detector().fit(fitted_on), scored))
        return np.concatenate(scores) if scores else np.zeros(0)

    def _named(
        self,
        known: LabelledSeries,
        X_MD: NDArray[Any],
        at: Workshop,
        groups: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        notes: dict[str, float],
    ) -> Proposal:
        normal, strange = groups
        sharpness = sharpness_of(known, at)
        nothing = known.X_ND[:0], known.label_N[:0], self.weight
        probability_MC = calibrated(known, nothing, X_MD, at, sharpness)
        place = at.classes.index(at.normal)
        fault_MC = np.delete(probability_MC, place, axis=1)
        faults = np.array([name for name in at.classes if name != at.normal], dtype=object)
        of_faults_M = fault_MC.max(axis=1) / fault_MC.sum(axis=1)
        named = strange & (of_faults_M >= self.probability)
        label_M = np.full(len(X_MD), None, dtype=object)
        label_M[named] = faults[fault_MC.argmax(axis=1)][named]
        label_M[normal] = at.normal
        chance_M = np.where(normal, probability_MC[:, place], np.where(named, of_faults_M, np.nan))
        counts = {"n_normal": float(normal.sum()), "n_strange": float(strange.sum()), "n_named": float(named.sum())}
        return Proposal(label_M, chance_M, {**notes, **counts})


def normal_share(score_M: NDArray[np.float64], normal_m: NDArray[np.float64]) -> float:
    """Return the estimated share of normal series among those with these scores; 1 where no normal one is known."""
    if not len(normal_m):
        return 1.0
    known_m = np.sort(normal_m)
    return normal_share_of((1 + len(known_m) - np.searchsorted(known_m, score_M, side="left")) / (1 + len(known_m)))


PLUGIN = Scores
