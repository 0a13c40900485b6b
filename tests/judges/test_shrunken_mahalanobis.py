"""Mahalanobis distances under a shrunken covariance that is never written down."""

import numpy as np
import pytest
from sklearn.covariance import OAS, LedoitWolf
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from motor.judges.estimators.shrunken_mahalanobis import ShrunkenMahalanobis


@pytest.mark.parametrize(("n_rows", "n_columns"), [(40, 5), (10, 60), (300, 101)])
@pytest.mark.parametrize(("shrinkage", "reference"), [("ledoit_wolf", LedoitWolf), ("oas", OAS)])
def test_distance_agrees_with_sklearn(n_rows, n_columns, shrinkage, reference):
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(n_columns, n_columns))
    train, test = (generator.normal(size=(rows, n_columns)) @ mixing for rows in (n_rows, 7))
    found = ShrunkenMahalanobis(shrinkage).fit(train).score_samples(test)
    assert -found == pytest.approx(np.sqrt(reference().fit(train).mahalanobis(test)), rel=1e-9)


def test_two_rows_of_many_columns_give_no_endless_distance():
    generator = np.random.default_rng(0)
    train, test = generator.normal(size=(2, 50)), generator.normal(size=(20, 50))
    assert ShrunkenMahalanobis("ledoit_wolf").fit(train).score_samples(test).min() > -100


def test_leaving_the_strangest_out_finds_faults_that_hid_among_the_training_rows():
    generator = np.random.default_rng(0)
    shift = np.zeros(20)
    shift[:2] = 6.0
    train = np.concatenate([generator.normal(size=(90, 20)), generator.normal(size=(10, 20)) + shift])
    test = np.concatenate([generator.normal(size=(100, 20)), generator.normal(size=(100, 20)) + shift])
    areas = [
        roc_auc_score(np.repeat([0, 1], 100), -ShrunkenMahalanobis("oas", share).fit(train).score_samples(test))
        for share in (0.0, 0.2)
    ]
    assert areas[1] > areas[0] + 0.05
    assert areas[1] > 0.95


def test_columns_that_only_left_out_rows_move_are_scaled_by_the_rest():
    """Lines that are there or not: normal rows hardly move them, faulty ones do, and so decide their deviation."""
    random = np.random.default_rng(4)
    normal, strange = (0.1 * random.normal(size=(n, 60)) for n in (24, 6))
    strange[np.arange(6)[:, None], np.arange(18).reshape(6, 3)] += 8  # each moves lines of its own
    new_normal, new_strange = (0.1 * random.normal(size=(40, 60)) for _ in range(2))
    new_strange[:, :6] += 0.6
    X = StandardScaler().fit(rows := np.concatenate([normal, strange]))
    found = {}
    for least in (None, 0.01):
        fitted = ShrunkenMahalanobis("ledoit_wolf", 0.34, 2, least).fit(X.transform(rows))
        scores = [fitted.score_samples(X.transform(new)) for new in (new_normal, new_strange)]
        found[least] = np.mean(scores[0][:, None] > scores[1])
    assert found[None] < 0.8
    assert found[0.01] > 0.95


def test_what_moves_all_columns_alike_is_left_out_where_it_is_asked_for():
    random = np.random.default_rng(5)
    train, normal, strange = (random.normal(size=(40, 30)) for _ in range(3))
    normal += 5  # a level that no training row had
    strange[:, :8] += 4
    areas = []
    for without in (False, True):
        fitted = ShrunkenMahalanobis("ledoit_wolf", 0.34, 2, 0.1, without).fit(train)
        scores = np.concatenate([fitted.score_samples(normal), fitted.score_samples(strange)])
        areas.append(roc_auc_score(np.repeat([0, 1], 40), -scores))
    assert areas[0] < 0.5
    assert areas[1] > 0.95


def test_level_of_few_columns_counts():
    random = np.random.default_rng(6)
    fitted = ShrunkenMahalanobis("ledoit_wolf", 0.34, 2, 0.1, without_level=True).fit(random.normal(size=(40, 1)))
    assert fitted.score_samples([[9.0]]) < fitted.score_samples([[0.0]])
