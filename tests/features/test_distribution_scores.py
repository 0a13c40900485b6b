"""Scores of forecast distributions, against scoringrules and by hand."""

import numpy as np
import pytest

from motor.features.distribution_scores import covered, crps, energy_score, pit, tail_of_errors

LEVELS = np.array([0.1, 0.3, 0.5, 0.9])


@pytest.fixture
def windows():
    """What came (5, 12), and quantiles of it (5, 12, 4)."""
    generator = np.random.default_rng(0)
    return generator.normal(size=(5, 12)), np.sort(generator.normal(size=(5, 12, 4)), axis=-1)


def test_crps_is_that_of_scoringrules(windows, scoringrules):
    y_BH, forecast_BHQ = windows
    expected = scoringrules.crps_quantile(y_BH, forecast_BHQ, LEVELS)
    np.testing.assert_allclose(crps(y_BH, forecast_BHQ, LEVELS), expected, atol=1e-6)


def test_energy_score_is_that_of_scoringrules(windows, scoringrules):
    y_BH, forecast_BHQ = windows
    expected = scoringrules.es_ensemble(y_BH, np.moveaxis(forecast_BHQ, -1, 1))
    np.testing.assert_allclose(energy_score(y_BH, forecast_BHQ) * np.sqrt(12), expected, atol=1e-6)


def test_pit_is_the_level_at_which_a_sample_came():
    quantiles = np.array([0.0, 1.0, 2.0, 4.0])
    came = np.array([[-1.0, 0.0, 0.5, 1.0, 3.0, 4.0, 5.0]])
    forecast = np.broadcast_to(quantiles, (1, 7, 4))
    np.testing.assert_allclose(pit(came, forecast, LEVELS), [[0, 0.1, 0.2, 0.3, 0.7, 0.9, 1]])
    assert covered(came, forecast).tolist() == [[False, True, True, True, True, True, False]]


def test_pit_of_true_quantiles_is_uniform():
    generator = np.random.default_rng(1)
    came, levels = generator.uniform(size=(1, 20_000)), np.arange(1, 20) / 20
    values = pit(came, np.broadcast_to(levels, (1, 20_000, 19)), levels)
    within = values[(values > 0) & (values < 1)]
    np.testing.assert_allclose([within.mean(), within.std()], [0.5, 0.9 / np.sqrt(12)], atol=0.01)


def test_tail_of_errors_is_a_quantile_and_the_mean_beyond_it():
    at_risk, beyond = tail_of_errors(np.arange(1.0, 102.0)[None], 0.95)
    assert at_risk[0] == 96
    assert beyond[0] == np.mean([96, 97, 98, 99, 100, 101])
