"""The bases of judges, settings of scikit-learn estimators: classifiers name classes, detectors score strangeness."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.registry import Plugin


class Judge(Plugin, ABC):
    """Settings of a judge: an estimator that judges series by their features.

    What all estimators keep to: features are scaled inside where that matters; the same rows and seed give the same
    bits whatever `n_threads` is; a few rows and more columns than rows are no trouble.
    """

    ROOM: ClassVar[str] = "motor.judges"

    gives: ClassVar[frozenset[str]] = frozenset()
    """What its predictions have that a metric may need: "decisions", "probabilities", "score"."""

    takes_idle: ClassVar[bool] = False
    """Whether it is worth more threads than its stage asked for, where the node has idle CPUs and fits take long."""

    @abstractmethod
    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted scikit-learn estimator.

        What derives from scikit-learn's classes or torch's is imported inside, so that reading a config stays quick.

        Parameters
        ----------
        seed : int
            Of whatever is random in fitting.
        n_threads : int
            Threads that it may use; a resource that never changes the result.
        """


class Classifier(Judge):
    """Settings of a classifier: its estimator has ``fit(X, y)``, ``predict``, ``predict_proba`` and ``classes_``.

    Labels are strings; every class weighs the same however many rows it has.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"decisions", "probabilities", "score"})


class Detector(Judge):
    """Settings of a detector: its estimator has ``fit(X)`` and ``score_samples(X)``, which is greater for the normal.

    It sees no fault's label. The stage turns its scores into anomaly scores, greater for the strange (see
    `motor.judges.scoring`), and puts the threshold of each domain where it does for a classifier. It takes part in
    normal against faulty alone: it names no class, and has no probabilities.

    Two rows are enough to fit it. A setting that counts rows (neighbours, say) is cut to what there is.
    """

    gives: ClassVar[frozenset[str]] = frozenset({"score"})

    needs_rows: ClassVar[int] = 2
    """Training series from which on its scores can be expected to rank: a network of few may rank upside down."""

    fit_on: Literal["normal", "any"] = Field(
        default="normal",
        description="training series that it is fitted on: ``normal`` ones, or ``any``, where labels are not to be "
        "trusted and most series are normal",
    )
