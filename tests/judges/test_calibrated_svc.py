import numpy as np
import pytest
from sklearn.metrics import log_loss
from sklearn.svm import SVC

from motor.judges.estimators.calibrated_svc import CalibratedSvc, best_sharpness, two_sided


def blobs(n_each: int, distance: float, n_classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    positions = np.repeat(np.arange(n_classes), n_each)
    X = np.random.default_rng(0).normal(size=(len(positions), 4))
    X[np.arange(len(X)), positions] += distance
    return X, np.array(["a", "b", "c"])[positions]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_those_of_the_svc_itself(n_classes):
    X, y = blobs(30, 1.0, n_classes)
    reference = SVC(C=1.0, class_weight="balanced", break_ties=True).fit(X, y)
    model = CalibratedSvc(C=1.0, gamma="scale", n_folds=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), reference.predict(X))


def test_noise_with_few_rows_does_not_turn_the_order_round():
    X, y = blobs(6, 0.0)
    model = CalibratedSvc(C=10.0, gamma="scale", n_folds=5, random_state=0).fit(X, y)
    assert np.mean(model.predict(X) == y) > 0.9
    assert model.predict_proba(X).max() < 0.6


def test_parted_rows_do_not_end_in_certainty():
    X, y = blobs(20, 20.0)
    probabilities = CalibratedSvc(C=10.0, gamma="scale", n_folds=5, random_state=0).fit(X, y).predict_proba(X)
    assert probabilities.max(axis=1).min() > 0.9
    assert probabilities.max() < 0.9999


def test_sharpness_beats_its_neighbours_in_log_loss():
    generator = np.random.default_rng(0)
    positions = np.repeat([0, 1, 2], 400)
    decision = generator.normal(size=(1200, 3))
    decision[np.arange(1200), positions] += 1.0
    best = best_sharpness(decision, positions)

    def loss(sharpness: float) -> float:
        odds = np.exp(sharpness * decision)
        return log_loss(positions, odds / odds.sum(axis=1, keepdims=True))

    assert loss(best) < min(loss(best * 0.8), loss(best * 1.25))


def test_two_sided_one_column_gives_the_logistic_function():
    odds = np.exp(two_sided(np.array([-2.0, 0.0, 3.0])))
    np.testing.assert_allclose(odds[:, 1] / odds.sum(axis=1), 1 / (1 + np.exp([2.0, 0.0, -3.0])))
