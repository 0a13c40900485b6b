"""Label the unlabelled series of one fold: proven on hidden training motors, then given to the classifier."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.cuts.base import Cut
from motor.judges.base import Judge
from motor.pseudo_labels.base import LabelledSeries, Parts, Proposal, PseudoLabeller, Workshop
from motor.pseudo_labels.parts.proof import ClassProof, as_json, believed, prove
from motor.stages.crossing import crossed
from motor.stages.unlabelled import TRUTH

if TYPE_CHECKING:
    import pandas as pd

Labelled = tuple[NDArray[Any], NDArray[Any], float]  # columns and labels of unlabelled series, and what each weighs


@dataclass(frozen=True)
class PseudoLabelling:
    """A labeller, and what it labels.

    Attributes
    ----------
    labeller : PseudoLabeller
    judge : Judge
        The cell's classifier.
    scored_by : Judge or None
        The labeller's detector.
    cut : Cut or None
    unlabelled : DataFrame
        One row a series, with `columns`.
    train : DataFrame
        The fold's labelled training series.
    columns : list of str
    classes, normal, seed, threads
        As of the cell.
    """

    labeller: PseudoLabeller
    judge: Judge
    scored_by: Judge | None
    cut: Cut | None
    unlabelled: "pd.DataFrame"
    train: "pd.DataFrame"
    columns: list[str]
    classes: tuple[str, ...]
    normal: str
    seed: int
    threads: int

    @cached_property
    def proofs(self) -> dict[str, ClassProof]:
        """How often the labeller is right about hidden training motors, for each class."""
        return prove(self.labeller, self._known(self.train), self._X, self._workshop)

    @cached_property
    def proposal(self) -> Proposal:
        """The labels that are proposed from all labelled training series."""
        return self.labeller.propose(self._known(self.train), self._X, self._workshop)

    @cached_property
    def labels(self) -> Proposal:
        """The part of the proposal that is believed."""
        return believed(self.proposal, self.proofs)

    def more(self, rows: "pd.DataFrame") -> Labelled | None:
        """Return the series that are learned from beside some labelled ones, labelled by those alone; None: none are.

        A class that was not proven is not among them.
        """
        if self.labels.refused or not any(proof.is_proven for proof in self.proofs.values()):
            return None
        is_all = len(rows) == len(self.train)
        proposal = self.proposal if is_all else self.labeller.propose(self._known(rows), self._X, self._workshop)
        labels = believed(proposal, self.proofs).label_M
        taken = np.array([label is not None for label in labels], dtype=bool)
        return (self._X[taken], labels[taken], self.labeller.weight) if taken.any() else None

    def facts(self) -> dict[str, Any]:
        """Return what the cell's files say of it; of hidden labels also how right it really was."""
        taken = np.array([label is not None for label in self.labels.label_M], dtype=bool)
        truth = self.unlabelled[TRUTH].to_numpy(dtype=object)
        is_known = taken & np.array([label is not None and label == label for label in truth], dtype=bool)
        right = float(np.mean(self.labels.label_M[is_known] == truth[is_known])) if is_known.any() else None
        return {
            "n_unlabelled": len(taken),
            "n_proposed": int(sum(label is not None for label in self.proposal.label_M)),
            "n_taken": int(taken.sum()),
            "refused": self.proposal.refused or ("" if taken.any() else "nothing_proven"),
            "asked_precision": self.labeller.precision,
            "classes": as_json(self.proofs),
            "notes": {name: value for name, value in self.proposal.notes.items() if np.isfinite(value)},
            "true_precision": right,
        }

    def table(self) -> "pd.DataFrame":
        """Return the labels that were taken: item, motor, domain, label, probability."""
        known = self.unlabelled[["item", "motor", "domain"]]
        table = known.assign(label=self.labels.label_M, probability=self.labels.probability_M)
        return table[table["label"].notna()]

    @cached_property
    def _X(self) -> NDArray[Any]:
        return self.unlabelled[self.columns].to_numpy()

    @cached_property
    def _workshop(self) -> Workshop:
        def detector() -> Any:
            return None if self.scored_by is None else self.scored_by.estimator(self.seed, self.threads)

        def classifier() -> Any:
            return self.judge.estimator(self.seed, self.threads)

        return Workshop(classifier, detector, self.cut, self.classes, self.normal, self.seed)

    def _known(self, rows: "pd.DataFrame") -> LabelledSeries:
        labels, motors = rows["label"].to_numpy(dtype=object), rows["motor"].to_numpy(dtype=object)

        def parts_of(places: NDArray[np.int64]) -> Parts:
            return list(crossed(rows.iloc[places], self.seed))

        return LabelledSeries(rows[self.columns].to_numpy(), labels, motors, parts_of, np.arange(len(rows)))
