"""Judges at work on one fold."""

import numpy as np
import pandas as pd
import pytest

from grid.stage import Resources
from motor.judges.extra_trees import ExtraTrees
from motor.judges.lda import Lda
from motor.judges.mahalanobis import Mahalanobis
from motor.judges.scoring import DetectorError
from motor.stages import devices
from motor.stages.devices import Threads
from motor.stages.judging import Classifying, Detecting, judging

COLUMNS = [f"f{number}" for number in range(6)]
RATES = {"rig": 0.1}


def series(n_motors, label, shift, seed, domain="rig", n_series=4):
    """Return so many motors' series, moved by `shift`, each motor by a bit of its own."""
    generator = np.random.default_rng(seed)
    rows = n_motors * n_series
    motor = np.repeat([f"{label}-{seed}-{number}" for number in range(n_motors)], n_series)
    X = generator.normal(size=(rows, 6)) + np.repeat(generator.normal(size=(n_motors, 6)), n_series, axis=0) / 2 + shift
    item = [f"{name}-{number}" for number, name in enumerate(motor)]
    known = pd.DataFrame({"item": item, "motor": motor, "domain": domain, "label": label})
    return pd.concat([known, pd.DataFrame(X, columns=COLUMNS)], axis=1)


def at_work(judge):
    return judging(judge, COLUMNS, ("normal", "spark"), "normal", 0, 1)


@pytest.fixture(scope="module")
def train():
    return pd.concat([series(6, "normal", 0, 1), series(3, "spark", 4, 2)], ignore_index=True)


def test_judging_takes_the_sort_of_the_judge():
    assert isinstance(at_work(Lda()), Classifying)
    assert isinstance(at_work(Mahalanobis()), Detecting)


def test_detector_never_looks_at_faults(train):
    work = at_work(Mahalanobis())
    test = series(4, "normal", 0, 3)
    spoiled = train.copy()
    spoiled.loc[train["label"] == "spark", COLUMNS] = 1e3
    scores = [work.predicted(work.fit(table)[0], test)["score"] for table in (train, spoiled)]
    np.testing.assert_array_equal(*scores)


def test_detector_fitted_on_any_looks_at_all(train):
    work = at_work(Mahalanobis(fit_on="any"))
    test = series(4, "spark", 4, 3)
    all_seen, normal_seen = (work.predicted(work.fit(table)[0], test)["score"] for table in (train, train.iloc[:24]))
    assert all_seen.median() < normal_seen.median()


def test_detector_score_of_new_normal_motors_is_counted_from_those_of_training(train):
    work = at_work(Mahalanobis())
    scorer, held_out, reference = work.fit(train)
    assert reference["score"].median() == pytest.approx(0.0)
    assert set(held_out["label"]) == {"normal", "spark"}
    usual, strange = (work.predicted(scorer, series(20, "x", shift, 5))["score"] for shift in (0, 4))
    assert abs(usual.median()) < 1.5
    assert strange.median() > 3
    assert list(work.predicted(scorer, train.head(2))) == ["item", "motor", "domain", "label", "score"]


def test_detector_threshold_holds_the_false_alarms_that_were_asked_for(train):
    work = at_work(Mahalanobis())
    train = pd.concat([series(30, "normal", 0, 1), series(3, "spark", 4, 2)], ignore_index=True)
    scorer, _, reference = work.fit(train)
    threshold = work.thresholds(reference, RATES)["rig"]
    assert threshold.resolved
    alarms = work.predicted(scorer, series(100, "normal", 0, 9))["score"] > threshold.value
    assert 0.02 < alarms.mean() < 0.2


def test_detector_of_one_normal_motor_is_calibrated_over_its_series_and_holds_nothing_out():
    train = pd.concat([series(1, "normal", 0, 1, n_series=12), series(3, "spark", 4, 2)], ignore_index=True)
    work = at_work(Mahalanobis())
    scorer, held_out, reference = work.fit(train)
    assert held_out.empty
    assert len(reference) == 12
    assert np.isfinite(scorer.score(train[COLUMNS].to_numpy())).all()


def test_detector_of_two_normal_series_still_gives_a_score():
    train = pd.concat([series(1, "normal", 0, 1, n_series=2), series(3, "spark", 4, 2)], ignore_index=True)
    work = at_work(Mahalanobis())
    scorer, _, reference = work.fit(train)
    assert np.isfinite(work.predicted(scorer, train)["score"]).all()
    assert work.thresholds(reference.head(0), RATES)["rig"].value == 3.0


def test_detector_without_normal_series_is_an_error_that_says_what_to_do():
    with pytest.raises(DetectorError, match="mahalanobis is to be fitted on 0 training series, but needs 2 or more"):
        at_work(Mahalanobis()).fit(series(3, "spark", 4, 2))


def test_detector_where_faults_have_one_motor_still_holds_motors_out(train):
    few = pd.concat([train[train["label"] == "normal"], series(1, "spark", 4, 2), series(1, "vibrate", 4, 3)])
    _, held_out, _ = at_work(Mahalanobis()).fit(few.reset_index(drop=True))
    assert not held_out.empty


def test_detector_that_holds_motors_out_judges_each_by_others_alone(train):
    """A motor that is moved does not look at home among its own series."""
    moved = train.copy()
    of_motor = moved["motor"] == moved["motor"].iloc[0]
    moved.loc[of_motor, COLUMNS] += 30.0
    _, held_out, _ = at_work(Mahalanobis()).fit(moved)
    scores = held_out.set_index("item")["score"]
    others = moved.loc[~of_motor & (moved["label"] == "normal"), "item"]
    assert scores[moved.loc[of_motor, "item"]].min() > scores[others].max()


def test_threads_follow_what_is_idle_only_where_fits_are_long(monkeypatch):
    threads, now = Threads.of(Resources()), [0.0]
    monkeypatch.setattr(devices.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(devices, "idle_cpus", lambda: 6)
    counts = []
    for took in (0.0, 0.2, 3.0, 0.2):
        now[0] += took
        counts.append(threads.now())
    assert counts == [1, 1, 6, 1]


def test_extra_trees_of_other_threads_say_the_same_to_the_bit():
    generator = np.random.default_rng(0)
    X, y = generator.standard_normal((60, 4)), np.array(["normal", "spark"])[np.arange(60) % 2]
    one, three = (ExtraTrees(n_estimators=20).estimator(0, n).fit(X, y).predict_proba(X[:9]) for n in (1, 3))
    np.testing.assert_array_equal(one, three)
