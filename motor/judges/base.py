"""What every classifier plug-in gives: a scikit-learn estimator that is ready to fit."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from motor.registry import Plugin


class Classifier(Plugin, ABC):
    """Settings of a classifier.

    What all estimators keep to: labels are strings; every class weighs the same however many rows
    it has; features are scaled inside where that matters; the same rows and seed give the same
    bits whatever `n_threads` is; a few rows a class and more columns than rows are no trouble.
    """

    ROOM: ClassVar[str] = "motor.judges"

    @abstractmethod
    def estimator(self, seed: int, n_threads: int) -> Any:
        """Return an unfitted scikit-learn estimator with fit, predict, predict_proba and classes_.

        Parameters
        ----------
        seed : int
            Of whatever is random in fitting.
        n_threads : int
            Threads that it may use; a resource that never changes the result.
        """
