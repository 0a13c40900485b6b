import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from motor.judges.estimators import pooled_lda
from motor.judges.estimators.pooled_lda import PooledLda


def three_classes(n_each: int, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    positions = np.repeat([0, 1, 2], n_each)
    mixing = np.eye(n_columns) + 0.3 * generator.normal(size=(n_columns, n_columns))
    X = generator.normal(size=(len(positions), n_columns)) @ mixing
    return X + generator.normal(size=(3, n_columns))[positions], np.array(["a", "b", "c"])[positions]


def test_probabilities_agree_with_gaussian_densities():
    X, y = three_classes(30, 4)
    model = PooledLda().fit(X, y)
    means = np.stack([X[y == name].mean(axis=0) for name in "abc"])
    centred = np.concatenate([X[y == name] - means[i] for i, name in enumerate("abc")]) * np.sqrt(30 / 29)
    spread = centred.std(axis=0)
    covariance = ledoit_wolf(centred / spread, assume_centered=True)[0] * np.outer(spread, spread)
    density = np.stack([multivariate_normal(mean, covariance).pdf(X) for mean in means], axis=1)
    np.testing.assert_allclose(model.predict_proba(X), density / density.sum(axis=1, keepdims=True), atol=1e-4)


def test_probabilities_with_many_rows_agree_with_scikit_learn():
    X, y = three_classes(2000, 4)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[1 / 3] * 3).fit(X, y)
    assert np.abs(PooledLda().fit(X, y).predict_proba(X) - reference.predict_proba(X)).max() < 0.01


def test_repeated_rows_of_one_class_do_not_move_the_boundary():
    X, y = three_classes(50, 3)
    more_X, more_y = np.concatenate([X, *[X[y == "a"]] * 9]), np.concatenate([y, *[y[y == "a"]] * 9])
    once, ten_times = PooledLda().fit(X, y), PooledLda().fit(more_X, more_y)
    assert np.abs(once.predict_proba(X) - ten_times.predict_proba(X)).max() < 0.05


def test_lone_rows_everywhere_are_told_by_the_nearest_of_them():
    rows = np.diag([1.0, 20.0, 300.0])
    fitted = PooledLda().fit(rows, ["a", "b", "c"])
    probabilities = fitted.predict_proba(rows * 0.9)
    assert np.isfinite(probabilities).all()
    np.testing.assert_array_equal(fitted.predict(rows * 0.9), ["a", "b", "c"])


@pytest.mark.parametrize("shape", [(30, 31), (40, 400), (12, 90)])
def test_pooled_lda_of_more_columns_than_rows_is_the_same_by_rows_and_by_columns(shape):
    generator = np.random.default_rng(0)
    scatter_ND = generator.normal(size=shape) @ np.diag(generator.uniform(0.1, 3, shape[1]))
    means_CD = generator.normal(size=(3, shape[1]))
    (by_rows, shrunk), (by_columns, expected) = (
        solve(scatter_ND, means_CD) for solve in (pooled_lda._solved_by_rows, pooled_lda._solved_by_columns)
    )
    assert shrunk == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(by_rows, by_columns, rtol=1e-7, atol=1e-9)
