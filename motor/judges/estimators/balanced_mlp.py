"""A perceptron in which every class weighs the same."""

import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_sample_weight


class BalancedMlp(MLPClassifier):
    """`MLPClassifier`, which has no `class_weight`, with rows weighted so that every class counts the same."""

    def fit(self, X: Any, y: Any) -> "BalancedMlp":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            # a batch larger than the data is cut to the data; saying so would be no news
            warnings.filterwarnings("ignore", message="Got `batch_size`", category=UserWarning)
            return super().fit(X, y, sample_weight=compute_sample_weight("balanced", y))
