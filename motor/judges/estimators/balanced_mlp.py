"""A perceptron in which every class weighs the same."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, _multilayer_perceptron
from sklearn.utils.class_weight import compute_sample_weight

_ORIGINALS = _multilayer_perceptron._safe_indexing, _multilayer_perceptron.shuffle


class BalancedMlp(MLPClassifier):
    """`MLPClassifier`, which has no `class_weight`, with rows weighted by class. Its number of epochs is a choice."""

    def fit(self, X: Any, y: Any) -> "BalancedMlp":
        with warnings.catch_warnings(), _rows_of_arrays():
            warnings.simplefilter("ignore", ConvergenceWarning)
            # a batch larger than the data is cut to the data; saying so would be no news
            warnings.filterwarnings("ignore", message="Got `batch_size`", category=UserWarning)
            return super().fit(X, y, sample_weight=compute_sample_weight("balanced", y))


@contextmanager
def _rows_of_arrays() -> Iterator[None]:
    """Let a network that is fitted in this block take rows as NumPy does, to the same weights, bit for bit.

    By itself it looks at each step, and at each epoch, what kind of table it has: a quarter of a fit to some 100 rows.
    """
    _multilayer_perceptron._safe_indexing, _multilayer_perceptron.shuffle = _rows, _shuffled
    try:
        yield
    finally:
        _multilayer_perceptron._safe_indexing, _multilayer_perceptron.shuffle = _ORIGINALS


def _rows(X: Any, indices: np.ndarray) -> Any:
    return X[indices]


def _shuffled(rows: np.ndarray, random_state: np.random.RandomState) -> np.ndarray:
    indices = np.arange(len(rows))
    random_state.shuffle(indices)
    return rows[indices]
