"""Deep detectors: collapse is named, a score is the same bits alone, and an ensemble's parts are made alike."""

import numpy as np
import pytest
import torch

from motor.judges.deep_svdd import DeepSvdd
from motor.judges.estimators.deep.ensemble import log_ranks, z_scores
from motor.judges.estimators.deep.networks import Encoder, side_of
from motor.judges.estimators.deep.svdd import guarded
from motor.judges.scoring import DetectorError
from motor.judges.vae import Vae

QUICK = {"n_epochs": 5, "batch_size": 32}


def images(n_rows, seed, side=16):
    """Smooth random images: a few bright bands that wander."""
    random = np.random.default_rng(seed)
    centre = random.uniform(2, side - 2, size=(n_rows, 1, 1)) + random.normal(size=(n_rows, 1, side)) * 0.3
    return np.exp(-((np.arange(side)[None, :, None] - centre) ** 2) / 4).reshape(n_rows, -1) + 0.1 * random.normal(
        size=(n_rows, side**2)
    )


@pytest.mark.parametrize("seed", [0])
@pytest.mark.parametrize("boundary", ["one_class", "soft"])
def test_planted_collapse_is_an_error_that_names_it(seed, boundary):
    settings = {"weight_decay": 50.0, "learning_rate": 0.05, "n_epochs": 40, "n_pretrain_epochs": 1, "batch_size": 16}
    judge = DeepSvdd(boundary=boundary, **settings)
    with pytest.raises(DetectorError, match=r"deep_svdd collapsed: 48 .* one point.*weight_decay"):
        judge.estimator(seed, 1).fit(images(48, seed))


@pytest.mark.parametrize("boundary", ["one_class", "soft"])
def test_healthy_training_does_not_collapse_and_finds_the_strange(boundary):
    train, usual = images(96, 0), images(30, 1)
    judge = DeepSvdd(boundary=boundary, n_pretrain_epochs=5, **QUICK)
    scores = judge.estimator(0, 1).fit(train).score_samples(np.concatenate([usual, usual[:, ::-1] * 3]))
    assert np.median(scores[:30]) > np.median(scores[30:])


@pytest.mark.parametrize(
    "judge",
    [DeepSvdd(n_pretrain_epochs=2, **QUICK), Vae(**QUICK), Vae(score="both", **QUICK), Vae(score="kl", **QUICK)],
)
def test_score_is_the_same_bits_alone_and_in_a_batch_of_64(judge):
    model, rows = judge.estimator(0, 1).fit(images(40, 0)), images(64, 1)
    together = model.score_samples(rows)
    np.testing.assert_array_equal(together[:20], [model.score_samples(rows[k : k + 1])[0] for k in range(20)])
    assert len(np.unique(together)) == 64


def test_columns_of_a_square_are_an_image_and_others_are_not():
    assert [side_of(n_columns) for n_columns in (1024, 1026, 4096, 1200, 101, 2000, 64)] == [32, 32, 64, 0, 0, 0, 0]


def test_encoder_has_no_bias_by_which_it_could_be_constant():
    for n_columns in (256, 30):
        encoder = Encoder(n_columns, 8)
        assert not [name for name, _ in encoder.named_parameters() if "bias" in name]
        assert torch.equal(encoder(torch.zeros(1, n_columns)), torch.zeros(1, 8))


def test_guarded_centre_is_nowhere_near_zero():
    centre = guarded(torch.tensor([0.0, -1e-9, 2.0, -3.0]))
    assert centre.abs().min() > 0.05
    assert centre[2:].tolist() == [2.0, -3.0]
    assert guarded(torch.zeros(3)).abs().min() > 0


def test_ensemble_scores_are_those_of_training_and_go_on_beyond_them():
    training = np.sort(np.random.default_rng(0).exponential(size=500))
    scores = np.array([0.1, 1.0, training[-1], training[-1] + 1, training[-1] + 5])
    for alike in (z_scores, log_ranks):
        found = alike(scores, training)
        assert (np.diff(found) > 0).all()
        np.testing.assert_array_equal(found[3:4], alike(scores[3:4], training))
    assert log_ranks(scores, training) == pytest.approx(scores, abs=0.7)
