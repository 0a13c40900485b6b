"""Fit a judge on the training motors of one fold, crossed over them, and judge other series with it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from motor.evaluation.thresholds import Threshold, choose_thresholds
from motor.judges.base import Classifier, Detector, Judge
from motor.judges.scoring import FAR, FEWEST_ROWS, AnomalyScorer, calibrated, fitted, likeliest, normality
from motor.judges.weights import fitted_with_weights
from motor.lazy import pandas as pd
from motor.lazy import sklearn
from motor.stages.crossing import crossed
from motor.stages.devices import Threads
from motor.stages.pseudo_labelling import Labelled

KNOWN = ["item", "motor", "domain", "label"]
PARTS_OF_SERIES = 5  # in which normal series are crossed where motors are too few


@dataclass(frozen=True)
class _Judging:
    """What classifiers and detectors have in common.

    Attributes
    ----------
    judge : Judge
    columns : list of str
        The features.
    classes : tuple of str
    normal : str
    seed : int
    threads : int or Threads
    """

    without_normals: ClassVar[float]  # the threshold of a domain that no normal series is held out of

    judge: Any
    columns: list[str]
    classes: tuple[str, ...]
    normal: str
    seed: int
    threads: int | Threads
    more: "Callable[[pd.DataFrame], Labelled | None] | None" = None  # what is learned from beside some labelled series

    def new(self) -> Any:
        if isinstance(self.threads, int):
            return self.judge.estimator(self.seed, self.threads)
        return self.judge.estimator(self.seed, self.threads.now() if self.judge.takes_idle else self.threads.asked)

    def X(self, table: "pd.DataFrame") -> NDArray[Any]:
        return table[self.columns].to_numpy()

    def thresholds(self, held_out: "pd.DataFrame", false_alarm_rates: dict[str, float]) -> dict[str, Threshold]:
        """Choose the threshold of each domain on series that were held out of fitting."""
        found = {}
        for domain, rate in false_alarm_rates.items():
            rows = held_out[held_out["domain"] == domain]
            chosen = choose_thresholds(rows, self.normal, rate, also=(domain,), without_normals=self.without_normals)
            found[domain] = chosen[domain]
        return found


class Classifying(_Judging):
    """A classifier: its columns are a probability for each class, and the class of the greatest."""

    without_normals = 0.5  # faulty is more probable than normal

    def fit(self, train: "pd.DataFrame") -> tuple[Any, "pd.DataFrame", "pd.DataFrame"]:
        """Return a classifier of all training series, what others that did not see its motor say of each, and that.

        There are no such rows where a class has one motor.
        """
        estimator = self._fitted(train)
        parts = [self.predicted(None, train.head(0))]
        for seen, unseen in crossed(train, self.seed):
            seen_rows = train.iloc[seen]
            other = self._fitted(seen_rows)
            parts.append(self.predicted(other, train.iloc[unseen]))
        held_out = pd.concat(parts[1:] or parts, ignore_index=True)
        return estimator, held_out, held_out

    def _fitted(self, rows: "pd.DataFrame") -> Any:
        more = None if self.more is None else self.more(rows)
        if more is None:
            return self.new().fit(self.X(rows), rows["label"])
        X_MD, label_M, weight = more
        weight_n = np.concatenate([np.ones(len(rows)), np.full(len(label_M), weight)])
        labels = np.concatenate([rows["label"].to_numpy(dtype=object), label_M])
        return fitted_with_weights(self.new(), np.concatenate([self.X(rows), X_MD]), labels, weight_n)

    def predicted(self, estimator: Any, table: "pd.DataFrame") -> "pd.DataFrame":
        rows = table[KNOWN].reset_index(drop=True)
        if table.empty:
            return rows.assign(predicted="", **{f"probability_{name}": 0.0 for name in self.classes})
        probability_BC = estimator.predict_proba(self.X(table))
        for name in self.classes:
            place = list(estimator.classes_).index(name) if name in estimator.classes_ else None
            rows[f"probability_{name}"] = 0.0 if place is None else probability_BC[:, place]
        return rows.assign(predicted=likeliest(probability_BC, estimator.classes_))


class Detecting(_Judging):
    """A detector: its column is `score`, how strange a series is (see `AnomalyScorer`)."""

    without_normals = FAR

    def fit(self, train: "pd.DataFrame") -> tuple[AnomalyScorer, "pd.DataFrame", "pd.DataFrame"]:
        """Return a detector, what others that did not see its motor say of each training series, and the reference.

        The reference are normal series (all, where none is), scored by a detector that did not see their motor; where
        there is one motor, that did not see the series. Scores are counted from them. Where there is one normal motor,
        the second is empty.
        """
        rows = self._fitted_on(train)
        estimator = fitted(self.new(), self.X(rows), self.judge.kind)
        by_motor = self._crossed(train, crossed(self._by_side(train), self.seed))
        reference = self._normal(by_motor)
        if reference.empty:
            normal = self._normal(train)
            reference = self._crossed(normal, self._parts_of_series(len(normal)))
        if reference.empty:
            reference = rows[KNOWN].assign(normality=normality(estimator, self.X(rows)))
        scorer = calibrated(estimator, reference["normality"].to_numpy())
        return scorer, _turned(by_motor, scorer), _turned(reference, scorer)

    def predicted(self, scorer: AnomalyScorer, table: "pd.DataFrame") -> "pd.DataFrame":
        rows = table[KNOWN].reset_index(drop=True)
        return rows.assign(score=scorer.score(self.X(table)) if len(table) else np.zeros(0))

    def _fitted_on(self, train: "pd.DataFrame") -> "pd.DataFrame":
        return train if self.judge.fit_on == "any" else train[train["label"] == self.normal]

    def _by_side(self, train: "pd.DataFrame") -> "pd.DataFrame":
        """Return the rows with two labels: a fault that has one motor is no reason to cross none."""
        side = np.where(train["label"] == self.normal, self.normal, "faulty")
        return train.assign(label=side)

    def _normal(self, table: "pd.DataFrame") -> "pd.DataFrame":
        normal = table[table["label"] == self.normal]
        return table if normal.empty else normal

    def _parts_of_series(self, n_series: int) -> Any:
        n_parts = min(PARTS_OF_SERIES, n_series)
        splitter = sklearn.model_selection.KFold(max(n_parts, 2), shuffle=True, random_state=self.seed)
        return splitter.split(np.zeros(n_series)) if n_parts > FEWEST_ROWS else ()

    def _crossed(self, train: "pd.DataFrame", parts: Any) -> "pd.DataFrame":
        """Score each part by a detector of the others; a part without enough others is left out."""
        scored = [train[KNOWN].head(0).assign(normality=np.zeros(0))]
        for seen, unseen in parts:
            rows, of_part = self._fitted_on(train.iloc[seen]), train.iloc[unseen]
            if len(rows) >= FEWEST_ROWS:
                other = fitted(self.new(), self.X(rows), self.judge.kind)
                scored.append(of_part[KNOWN].assign(normality=normality(other, self.X(of_part))))
        return pd.concat(scored[1:] or scored, ignore_index=True)


def judging(
    judge: Judge,
    columns: list[str],
    classes: tuple[str, ...],
    normal: str,
    seed: int,
    threads: int | Threads,
    more: Any = None,
) -> Classifying | Detecting:
    """Return a judge at work, whichever sort it is; `more` is for classifiers (see `Classifying`).

    Raises
    ------
    TypeError
        If it is neither a classifier nor a detector.
    """
    for sort, at_work in {Classifier: Classifying, Detector: Detecting}.items():
        if isinstance(judge, sort):
            return at_work(judge, columns, classes, normal, seed, threads, more)
    raise TypeError(f"judge {judge.kind!r} is neither a Classifier nor a Detector; derive it from one of the two")


def _turned(table: "pd.DataFrame", scorer: AnomalyScorer) -> "pd.DataFrame":
    return table.drop(columns="normality").assign(score=scorer.turned(table["normality"].to_numpy()))
