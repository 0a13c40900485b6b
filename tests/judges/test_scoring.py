"""Detectors whose scores can be compared."""

import numpy as np
import pytest

from motor.judges.scoring import DetectorError, calibrated, fitted, likeliest


class Distance:
    """A detector of one column: minus the distance from 0."""

    def fit(self, X):
        return self

    def score_samples(self, X):
        return -np.abs(X[:, 0])


def test_score_is_counted_in_spreads_from_the_median_of_the_reference():
    scorer = calibrated(Distance(), np.array([-1.0, -2.0, -3.0]))
    assert scorer.score(np.array([[2.0], [2.0 + 1.4826]])) == pytest.approx([0.0, 1.0])


def test_score_does_not_depend_on_the_unit_of_the_detector():
    reference = -np.random.default_rng(0).gamma(2.0, size=50)
    first, second = calibrated(Distance(), reference), calibrated(Distance(), 1e-24 * reference)
    assert second.turned(1e-24 * reference) == pytest.approx(first.turned(reference))


@pytest.mark.parametrize("reference", [[-1.0], [-1.0, -1.0, -1.0], [-1.0, -1.0, -1.0, -9.0]])
def test_score_of_a_reference_without_spread_stays_finite_and_in_order(reference):
    scores = calibrated(Distance(), np.array(reference)).score(np.array([[1.0], [5.0], [50.0]]))
    assert np.isfinite(scores).all()
    assert scores[0] == pytest.approx(0.0)
    assert list(scores) == sorted(scores)


def test_fitting_too_few_series_names_the_detector_and_the_next_step():
    with pytest.raises(DetectorError, match=r"far is to be fitted on 1 training series, .*far\.fit_on: any"):
        fitted(Distance(), np.zeros((1, 2)), "far")


@pytest.mark.parametrize("classes", [("broken", "normal"), ("normal", "broken")])
def test_equal_probabilities_are_the_first_class_by_name_in_whatever_order_classes_come(classes):
    assert list(likeliest(np.array([[0.5, 0.5]]), classes)) == ["broken"]
    greater = np.array([[0.4, 0.6], [0.6, 0.4]])
    assert list(likeliest(greater, classes)) == [classes[1], classes[0]]
