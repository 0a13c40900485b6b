"""What every classifier and every detector keeps to; a new plug-in is tested here with no new test."""

import io
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from motor.judges.base import Classifier, Detector
from motor.registry import plugins

CLASSIFIERS = {name: judge for name, judge in plugins("motor.judges").items() if issubclass(judge, Classifier)}
DETECTORS = {name: judge for name, judge in plugins("motor.judges").items() if issubclass(judge, Detector)}
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


def test_every_judge_is_a_classifier_or_a_detector():
    assert {**CLASSIFIERS, **DETECTORS}.keys() == plugins("motor.judges").keys()


@pytest.mark.parametrize("kind", plugins("motor.judges"))
def test_settings_survive_their_dump(kind):
    settings = plugins("motor.judges")[kind]()
    assert type(settings).model_validate(settings.model_dump()) == settings


def test_plugins_import_nothing_heavy():
    code = (
        "import sys; from motor.registry import plugins; plugins('motor.judges'); "
        "print({'sklearn', 'lightgbm', 'scipy', 'pandas', 'torch'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


def quick(kind):
    """Return a detector, a network of few epochs."""
    if "untrained" in kind:
        return DETECTORS[kind]()
    few = {"svdd": {"n_epochs": 4, "n_pretrain_epochs": 4}, "autoencoder": {"n_epochs": 4}}
    few |= {"n_epochs": 8, "n_pretrain_epochs": 8}
    fields = DETECTORS[kind].model_fields
    return DETECTORS[kind].model_validate({name: value for name, value in few.items() if name in fields})


@pytest.fixture(scope="module", params=DETECTORS)
def detector(request):
    """Give an unfitted estimator of each detector."""
    return quick(request.param).estimator(seed=3, n_threads=1)


def normal_and_strange(n_rows, n_columns, distance=3.0, seed=0):
    """Return Gaussian rows to learn from, others like them, and others moved in every column."""
    generator = np.random.default_rng(seed)
    train, usual, strange = (generator.normal(size=(rows, n_columns)) for rows in (n_rows, 60, 60))
    return train, usual, strange + distance


@pytest.mark.parametrize(("n_rows", "n_columns"), [(6, 400), (30, 8), (200, 30), (12, 2000)])
@pytest.mark.parametrize("kind", DETECTORS)
def test_detector_scores_the_strange_below_the_usual_with_few_rows_and_many_columns(kind, n_rows, n_columns):
    train, usual, strange = normal_and_strange(n_rows, n_columns, distance=6.0)
    scores = quick(kind).estimator(seed=3, n_threads=1).fit(train).score_samples(np.concatenate([usual, strange]))
    assert scores.shape == (120,)
    assert np.isfinite(scores).all()
    if n_rows >= DETECTORS[kind].needs_rows and "untrained" not in kind:
        assert np.median(scores[:60]) > np.median(scores[60:])


def test_detector_two_rows_are_enough_to_fit(detector):
    train, usual, strange = normal_and_strange(2, 8)
    scores = detector.fit(train).score_samples(np.concatenate([usual, strange]))
    assert np.isfinite(scores).all()


def test_detector_constant_column_and_equal_rows_stay_finite(detector):
    train, usual, _ = normal_and_strange(20, 6)
    train[:, 2] = 0.1
    assert np.isfinite(detector.fit(train).score_samples(usual)).all()
    assert np.isfinite(detector.fit(np.ones((6, 4))).score_samples(np.ones((3, 4)))).all()


@pytest.mark.parametrize("kind", DETECTORS)
def test_detector_same_seed_gives_same_bits_on_any_number_of_threads(kind):
    train, usual, strange = normal_and_strange(80, 40)
    results = []
    for n_threads in (1, 2):
        with threadpool_limits(limits=n_threads):
            model = quick(kind).estimator(seed=7, n_threads=n_threads).fit(train)
            results.append(model.score_samples(np.concatenate([usual, strange])))
    np.testing.assert_array_equal(*results)


def test_detector_fitted_survives_joblib(detector):
    train, usual, _ = normal_and_strange(20, 5)
    buffer = io.BytesIO()
    joblib.dump(detector.fit(train), buffer)
    buffer.seek(0)
    np.testing.assert_array_equal(joblib.load(buffer).score_samples(usual), detector.score_samples(usual))


def test_detector_scores_a_series_alike_alone_and_in_a_batch(detector):
    train, usual, _ = normal_and_strange(40, 12)
    detector.fit(train)
    alone = np.concatenate([detector.score_samples(usual[[place]]) for place in range(10)])
    np.testing.assert_allclose(alone, detector.score_samples(usual)[:10], rtol=1e-9)


@pytest.mark.parametrize("kind", DETECTORS)
def test_detector_fits_normal_series_by_default(kind):
    assert DETECTORS[kind]().fit_on == "normal"
