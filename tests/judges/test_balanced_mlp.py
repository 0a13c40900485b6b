"""A perceptron whose classes weigh the same."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, _multilayer_perceptron
from sklearn.utils.class_weight import compute_sample_weight

from motor.judges.estimators import balanced_mlp


def test_balanced_mlp_takes_rows_as_numpy_does_to_the_weights_of_scikit_learn(monkeypatch):
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(50, 6)), np.array(["a", "b", "b", "c", "c"] * 10)
    taken: list[int] = []

    def rows(X: np.ndarray, indices: np.ndarray) -> np.ndarray:
        taken.append(len(indices))
        return X[indices]

    monkeypatch.setattr(balanced_mlp, "_rows", rows)
    settings = {"hidden_layer_sizes": (5,), "batch_size": 20, "max_iter": 3, "random_state": 7}
    ours = balanced_mlp.BalancedMlp(**settings).fit(X, y)
    assert taken == [20, 20, 10] * 3
    assert _multilayer_perceptron._safe_indexing is not rows
    with pytest.warns(ConvergenceWarning):
        plain = MLPClassifier(**settings).fit(X, y, sample_weight=compute_sample_weight("balanced", y))
    assert len(taken) == 9
    for own, theirs in zip(ours.coefs_ + ours.intercepts_, plain.coefs_ + plain.intercepts_, strict=True):
        np.testing.assert_array_equal(own, theirs)
