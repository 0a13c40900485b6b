"""Which unlabelled series a person should look at first: one a motor, the strangest, then those hard to tell."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motor.judges.base import Detector
from motor.judges.scoring import AnomalyScorer, can_attribute
from motor.lazy import sklearn
from motor.stages.judging import judging

if TYPE_CHECKING:
    import pandas as pd

FILE_NAME = "review.json"
FIRST = 8  # motors that are asked about because they are strange; after them those of the smallest margin
N_ATTRIBUTED = 10  # columns that an entry names
STRANGEST, MARGIN = "strangest", "smallest_margin"


@dataclass(frozen=True)
class Queue:
    """Makes the queue of one fold.

    Attributes
    ----------
    detector : Detector
        Fitted on the normal training series.
    columns, classes, normal, seed, threads
        As of the cell.
    """

    detector: Detector
    columns: list[str]
    classes: tuple[str, ...]
    normal: str
    seed: int
    threads: int

    def of(self, train: "pd.DataFrame", unlabelled: "pd.DataFrame", classifier: Any) -> list[dict[str, Any]]:
        """Return what to ask, in order: one entry a motor.

        Parameters
        ----------
        train, unlabelled : DataFrame
            One row a series, with `columns`.
        classifier : object
            The cell's, fitted.

        Returns
        -------
        list of dict
            item (the motor's strangest series; where it is asked for its margin, that of the smallest), motor, domain,
            `why`, its score, the share of known normal series that are as strange, what the classifier says and by
            which margin, and the nearest known series with its label. What a deep detector finds strange has, where
            captum is installed, `attributed`: the columns that make it strange, and by how much each.
        """
        if unlabelled.empty:
            return []
        unlabelled = unlabelled.reset_index(drop=True)
        at_work = judging(self.detector, self.columns, self.classes, self.normal, self.seed, self.threads)
        scorer, _, reference = at_work.fit(train)
        series = self._described(scorer, reference, train, unlabelled, classifier)
        worst = series.sort_values("score", ascending=False, kind="stable").drop_duplicates("motor")
        first = worst.head(FIRST).assign(why=STRANGEST)
        others = series[~series["motor"].isin(first["motor"])].sort_values("margin", kind="stable")
        later = others.drop_duplicates("motor").assign(why=MARGIN)
        first = first.assign(**self._attributed(scorer.estimator, train, unlabelled.loc[first.index]))
        rows = [*first.to_dict("records"), *later.to_dict("records")]
        return [{"place": place, **row} for place, row in enumerate(rows, 1)]

    def _described(
        self,
        scorer: AnomalyScorer,
        reference: "pd.DataFrame",
        train: "pd.DataFrame",
        unlabelled: "pd.DataFrame",
        classifier: Any,
    ) -> "pd.DataFrame":
        X = unlabelled[self.columns].to_numpy()
        score_M = scorer.score(X)
        known = np.sort(reference["score"].to_numpy())
        n_stranger_M = len(known) - np.searchsorted(known, score_M, side="left")
        probability_MC = classifier.predict_proba(X)
        top_M2 = np.sort(probability_MC, axis=1)[:, -2:]
        nearest, distance_M = self._nearest(train[self.columns].to_numpy(), X)
        return unlabelled[["item", "motor", "domain"]].assign(
            score=score_M,
            p_value=(1 + n_stranger_M) / (1 + len(known)),
            predicted=[str(name) for name in classifier.classes_[probability_MC.argmax(axis=1)]],
            margin=top_M2[:, 1] - top_M2[:, 0],
            nearest_item=train["item"].to_numpy()[nearest],
            nearest_label=train["label"].to_numpy()[nearest],
            nearest_distance=distance_M,
        )

    def _attributed(
        self, detector: Any, train: "pd.DataFrame", strange: "pd.DataFrame"
    ) -> dict[str, list[dict[str, float]]]:
        """Return the columns that make each strange series so, the most first, where the detector can say it."""
        if not can_attribute(detector):
            return {}
        from motor.judges.estimators.deep.attribution import attributed  # torch, for few detectors

        normal = train[train["label"] == self.normal] if (train["label"] == self.normal).any() else train
        found_MD = attributed(detector, strange[self.columns].to_numpy(), normal[self.columns].to_numpy())
        most_MK = np.argsort(-found_MD, axis=1, kind="stable")[:, :N_ATTRIBUTED]
        rows = [
            {self.columns[place]: float(f"{values[place]:.4g}") for place in most.tolist()}
            for values, most in zip(found_MD, most_MK, strict=True)
        ]
        return {"attributed": rows}

    def _nearest(self, known_ND: NDArray[Any], X_MD: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the nearest known series of each, in standardised columns, and its root mean square distance."""
        scaler = sklearn.preprocessing.StandardScaler().fit(known_ND)
        found = sklearn.neighbors.NearestNeighbors(n_neighbors=1).fit(scaler.transform(known_ND))
        distance_M1, place_M1 = found.kneighbors(scaler.transform(X_MD))
        return place_M1[:, 0], distance_M1[:, 0] / np.sqrt(known_ND.shape[1])
