"""What every classifier keeps to; a new plug-in is tested here with no new test."""

import io
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from motor.registry import plugins

CLASSIFIERS = plugins("motor.judges")
CLASSES = ["normal", "spark", "vibrate"]


def rows(counts: tuple[int, ...], n_columns: int, distance: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian classes, each moved by `distance` in a third of the columns, in mixed order."""
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.repeat(np.arange(len(counts)), counts))
    X = generator.normal(size=(len(labels), n_columns))
    X[np.arange(n_columns) % len(counts) == labels[:, None]] += distance
    return X, np.array(CLASSES)[labels]


@pytest.fixture(scope="module", params=CLASSIFIERS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_estimator_six_rows_a_class_and_many_columns_finds_the_classes(kind):
    X, y = rows((6, 6, 6), 1500, 1.0, seed=0)
    model = CLASSIFIERS[kind]().estimator(seed=0, n_threads=1).fit(X, y)
    X_new, y_new = rows((20, 20, 20), 1500, 1.0, seed=1)
    probabilities = model.predict_proba(X_new)
    assert list(model.classes_) == CLASSES
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert probabilities.min() >= 0
    assert np.mean(np.array(CLASSES)[probabilities.argmax(axis=1)] == y_new) > 0.8


def test_estimator_predict_is_the_likeliest_class(kind):
    X, y = rows((20, 20, 20), 5, 0.7, seed=0)
    model = CLASSIFIERS[kind]().estimator(seed=0, n_threads=1).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)])


def test_estimator_same_seed_gives_same_bits_on_any_number_of_threads(kind):
    X, y = rows((40, 40, 40), 100, 0.2, seed=0)
    X_new, _ = rows((40, 40, 40), 100, 0.2, seed=1)
    results = []
    for n_threads in (1, 2):
        with threadpool_limits(limits=n_threads):
            model = CLASSIFIERS[kind]().estimator(seed=7, n_threads=n_threads).fit(X, y)
            results.append(model.predict_proba(X_new))
    np.testing.assert_array_equal(*results)


def test_estimator_rare_class_is_not_given_up(kind):
    X, y = rows((300, 20), 2, 1.2, seed=0)
    model = CLASSIFIERS[kind]().estimator(seed=0, n_threads=1).fit(X, y)
    X_new, y_new = rows((500, 500), 2, 1.2, seed=1)
    found = model.predict(X_new)[y_new == "spark"] == "spark"
    assert found.mean() > 0.5


def test_estimator_constant_column_and_lone_row_stay_finite(kind):
    X, y = rows((8, 8, 1), 6, 2.0, seed=0)
    X[:, 2] = 0.1
    model = CLASSIFIERS[kind]().estimator(seed=0, n_threads=1).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.predict_proba(X).shape == (17, 3)


def test_estimator_fitted_survives_joblib(kind):
    X, y = rows((10, 10, 10), 5, 1.0, seed=0)
    model = CLASSIFIERS[kind]().estimator(seed=0, n_threads=1).fit(X, y)
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    np.testing.assert_array_equal(joblib.load(buffer).predict_proba(X), model.predict_proba(X))


def test_estimator_takes_labels_from_a_table(kind):
    X, y = rows((10, 10, 10), 5, 1.0, seed=0)
    model, other = (CLASSIFIERS[kind]().estimator(0, 1).fit(X, labels) for labels in (y, pd.Series(y)))
    assert list(other.classes_) == CLASSES
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))


def test_settings_survive_their_dump(kind):
    settings = CLASSIFIERS[kind]()
    assert type(settings).model_validate(settings.model_dump()) == settings


def test_plugins_import_nothing_heavy():
    code = (
        "import sys; from motor.registry import plugins; plugins('motor.judges'); "
        "print({'sklearn', 'lightgbm', 'scipy', 'pandas', 'torch'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"
