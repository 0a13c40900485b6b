"""Directions of forecasts: three classes by training windows, beside the rule that a signal returns to its mean."""

import numpy as np

from motor.features.direction import TERCILES, balanced_accuracy, reversion, rises


def test_rises_are_in_the_contexts_deviations():
    context_BT = np.array([[1.0, -1.0, 1.0, -1.0], [10.0, -10.0, 10.0, -10.0]])
    np.testing.assert_allclose(rises(context_BT, context_BT[:, :2] + [[2.0], [20.0]]), [2.0, 2.0])
    assert rises(np.ones((1, 4)), np.ones((1, 2)))[0] == 0


def test_reversion_is_minus_what_the_newest_samples_are_above_the_mean():
    np.testing.assert_allclose(reversion(np.array([[0.0, 0.0, 2.0, 2.0]]), 2), [-1.0])


def test_balanced_accuracy_is_a_third_by_chance_and_one_where_all_is_known():
    rise_B = np.random.default_rng(0).standard_normal(3000)
    edges = np.quantile(rise_B, TERCILES)
    assert balanced_accuracy(rise_B, rise_B, edges) == 1
    assert abs(balanced_accuracy(rise_B, np.zeros(3000), edges) - 1 / 3) < 1e-9
    assert balanced_accuracy(rise_B[:0], rise_B[:0], edges) is None
