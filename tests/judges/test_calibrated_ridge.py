import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier, RidgeClassifierCV
from sklearn.utils.class_weight import compute_sample_weight

from motor.judges.estimators.calibrated_ridge import CalibratedRidge, left_out_decisions

ALPHAS = (0.1, 10.0, 1000.0)


def blobs(counts: tuple[int, ...], n_columns: int, distance: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    positions = np.repeat(np.arange(len(counts)), counts)
    X = generator.normal(size=(len(positions), n_columns))
    X[np.arange(len(positions)), positions] += distance
    return X, np.array(["a", "b", "c"])[positions]


@pytest.mark.parametrize("counts", [(7, 9), (5, 8, 6)])
@pytest.mark.parametrize("n_columns", [4, 60])
def test_left_out_decisions_equal_those_of_ridges_without_the_row(counts, n_columns):
    X, y = blobs(counts, n_columns)
    ridge = RidgeClassifierCV(alphas=ALPHAS, class_weight="balanced", store_cv_results=True).fit(X, y)
    weight = compute_sample_weight("balanced", y)  # of all rows: leaving one out does not change those of the others
    expected = []
    for row in range(len(X)):
        rest = np.arange(len(X)) != row
        model = RidgeClassifier(alpha=ridge.alpha_).fit(X[rest], y[rest], sample_weight=weight[rest])
        expected.append(model.decision_function(X[[row]])[0])
    found = left_out_decisions(ridge, X, np.unique(y, return_inverse=True)[1])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("counts", [(20, 30), (20, 30, 25)])
def test_classes_are_those_of_the_ridge_itself(counts):
    X, y = blobs(counts, 5)
    reference = RidgeClassifierCV(alphas=ALPHAS, class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(CalibratedRidge(ALPHAS).fit(X, y).predict(X), reference.predict(X))


def test_noise_with_more_columns_than_rows_is_not_called_certain():
    X, y = blobs((10, 10, 10), 500, distance=0.0)
    probabilities = (
        CalibratedRidge((0.001, 0.1)).fit(X, y).predict_proba(np.random.default_rng(1).normal(size=(50, 500)))
    )
    assert probabilities.max() < 0.7


def test_probabilities_of_parted_rows_are_high_and_not_certain():
    X, y = blobs((20, 20, 20), 3, distance=8.0)
    likeliest = CalibratedRidge(ALPHAS).fit(X, y).predict_proba(X).max(axis=1)
    assert likeliest.mean() > 0.9
    assert likeliest.max() < 0.99999
