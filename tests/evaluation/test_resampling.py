import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from motor.evaluation import resampling


def test_weights_of_a_stratum_keep_its_size_and_start_with_the_sample():
    weights = resampling.motor_weights(["a"] * 5 + ["b"] * 3)
    assert (weights[0] == 1).all()
    np.testing.assert_allclose(weights[:, :5].sum(axis=1), 5)
    np.testing.assert_allclose(weights[:, 5:].sum(axis=1), 3)


def test_weights_of_a_lone_motor_stay_one():
    assert (resampling.motor_weights(["a", "b", "b"])[:, 0] == 1).all()


def test_weights_resampled_mean_has_the_standard_error_of_the_mean():
    values = np.random.default_rng(1).normal(size=4)
    means = resampling.motor_weights(["a"] * 4)[1:] @ values / 4
    assert means.std() == pytest.approx(values.std(ddof=1) / 2, rel=0.06)


def test_macro_f1_of_weighted_motors_agrees_with_sklearn():
    generator = np.random.default_rng(2)
    true, predicted, motor = generator.integers(0, 3, 60), generator.integers(0, 3, 60), np.arange(60) // 5
    weights = resampling.motor_weights(["a"] * 12)[:20]
    confusions = resampling.motor_confusions(true, predicted, motor, 12, 3)
    scores = resampling.macro_f1(resampling.weighted_confusions(weights, confusions))
    expected = [f1_score(true, predicted, average="macro", sample_weight=row[motor]) for row in weights]
    np.testing.assert_allclose(scores, expected)


def test_macro_f1_leaves_out_a_class_without_series():
    assert resampling.macro_f1(np.array([[3.0, 1.0], [0.0, 0.0]])) == pytest.approx(6 / 7)


def test_roc_auc_with_ties_and_weights_agrees_with_sklearn():
    generator = np.random.default_rng(3)
    score, positive = generator.integers(0, 6, 50) / 5, generator.random(50) < 0.4
    weights = generator.random((4, 50))
    expected = [roc_auc_score(positive, score, sample_weight=row) for row in weights]
    np.testing.assert_allclose(resampling.roc_auc(score, positive, weights), expected)


def test_roc_auc_of_one_side_is_undefined():
    assert np.isnan(resampling.roc_auc(np.array([0.1, 0.2]), np.array([True, True]), np.ones((1, 2)))).all()


def test_simultaneous_intervals_of_one_difference_are_about_two_standard_errors():
    differences = np.random.default_rng(4).normal(0.5, 0.1, size=(1001, 1))
    differences[0] = 0.5
    (low, high) = resampling.simultaneous_intervals(differences)[0]
    assert (high - low) / 2 == pytest.approx(0.196, rel=0.1)


def test_simultaneous_intervals_of_many_differences_are_wider():
    differences = np.random.default_rng(5).normal(size=(1001, 40))
    differences[0] = 0.0
    one, many = resampling.simultaneous_intervals(differences[:, :1]), resampling.simultaneous_intervals(differences)
    assert np.ptp(many[0]) > 1.3 * np.ptp(one[0])


def test_simultaneous_intervals_of_few_degrees_of_freedom_are_students():
    differences = np.random.default_rng(6).normal(size=(1001, 1))
    differences[0] = 0.0
    normal, student = (resampling.simultaneous_intervals(differences, freedom) for freedom in (np.inf, 4.0))
    assert np.ptp(student) / np.ptp(normal) == pytest.approx(stats.t.ppf(0.975, 4) / 1.96, rel=0.06)


def test_percentile_interval_of_few_degrees_of_freedom_is_students():
    values = np.random.default_rng(7).normal(size=100_001)
    low, high = resampling.percentile_interval(values, degrees_of_freedom=5)
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 5), rel=0.05)
    assert np.ptp(resampling.percentile_interval(values)) == pytest.approx(2 * 1.96, rel=0.02)


def test_level_of_pairs_is_that_of_tukeys_range():
    values = np.random.default_rng(8).normal(size=(20_001, 5))
    values[0] = 0.0
    tukey = stats.studentized_range.ppf(0.95, 5, np.inf) / np.sqrt(2)
    assert resampling.familywise_level_of_pairs(values) == pytest.approx(2 * stats.norm.sf(tukey), rel=0.15)


def test_level_of_one_difference_is_five_percent():
    values = np.random.default_rng(9).normal(size=(20_001, 1))
    values[0] = 0.0
    assert resampling.familywise_level(values) == pytest.approx(0.05, rel=0.1)


def test_degrees_of_freedom_agree_with_welch_on_two_strata():
    generator = np.random.default_rng(10)
    first, second = generator.normal(size=5), 3 * generator.normal(size=9)
    influence = np.concatenate([first / 5, -second / 9])
    expected = stats.ttest_ind(first, second, equal_var=False).df
    assert resampling.welch_degrees_of_freedom(influence, ["a"] * 5 + ["b"] * 9) == pytest.approx(expected)


def test_degrees_of_freedom_of_strata_leave_out_one_motor_each():
    assert resampling.strata_degrees_of_freedom(["a", "b", "a", "c", "b", "a"]) == 3


def test_influence_of_motors_gives_the_resamples_standard_error():
    generator = np.random.default_rng(11)
    true, predicted, motor = np.arange(300) % 3, generator.integers(0, 3, 300), np.arange(300) // 5
    confusions = resampling.motor_confusions(true, predicted, motor, 60, 3)
    influence = resampling.macro_f1_influence(confusions)
    resampled = resampling.macro_f1(resampling.weighted_confusions(resampling.motor_weights(["a"] * 60), confusions))
    assert influence.sum() == pytest.approx(0, abs=1e-6)
    assert np.sqrt(60 * influence.var(ddof=1)) == pytest.approx(resampled[1:].std(), rel=0.08)


def test_average_precision_with_ties_and_weights_agrees_with_sklearn():
    generator = np.random.default_rng(12)
    score, positive = generator.integers(0, 6, 50) / 5, generator.random(50) < 0.4
    weights = generator.random((4, 50))
    expected = [average_precision_score(positive, score, sample_weight=row) for row in weights]
    np.testing.assert_allclose(resampling.average_precision(score, positive, weights), expected)


def test_average_precision_of_one_side_is_undefined():
    scores = np.array([0.1, 0.2])
    for positive in (True, False):
        assert np.isnan(resampling.average_precision(scores, np.full(2, positive), np.ones((1, 2)))).all()
