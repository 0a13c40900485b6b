import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from motor.judges.estimators.balanced_forest import BalancedExtraTrees, balanced_rows


def forest(n_jobs: int = 1) -> BalancedExtraTrees:
    return BalancedExtraTrees(200, min_samples_leaf=1, max_features="sqrt", random_state=0, n_jobs=n_jobs)


def test_rows_are_as_many_of_every_class():
    positions = np.array([0] * 30 + [1] * 10 + [2] * 7)
    drawn = balanced_rows(positions, np.random.default_rng(0))
    assert len(set(drawn)) == len(drawn) == 21
    np.testing.assert_array_equal(np.bincount(positions[drawn]), [7, 7, 7])


def test_rows_with_a_lone_row_leave_the_others_some():
    positions = np.array([0] * 30 + [1] * 10 + [2])
    np.testing.assert_array_equal(np.bincount(positions[balanced_rows(positions, np.random.default_rng(0))]), [5, 5, 1])


def test_probabilities_with_even_classes_agree_with_scikit_learn():
    generator = np.random.default_rng(0)
    y = np.repeat(["a", "b"], 100)
    X = generator.normal(size=(200, 4)) + (y == "b")[:, None]
    X_new = generator.normal(size=(50, 4)) + 0.5
    reference = ExtraTreesClassifier(1000, random_state=0).fit(X, y).predict_proba(X_new)
    assert np.abs(forest().fit(X, y).predict_proba(X_new) - reference).max() < 0.12
