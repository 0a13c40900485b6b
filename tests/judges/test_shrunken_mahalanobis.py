"""Mahalanobis distances under a shrunken covariance that is never written down."""

import numpy as np
import pytest
from sklearn.covariance import OAS, LedoitWolf
from sklearn.metrics import roc_auc_score

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
