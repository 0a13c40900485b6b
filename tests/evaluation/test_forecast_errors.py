"""Forecast errors over the mean forecast's: intervals over motors, differences on the same motors."""

import numpy as np
import pytest

from motor.evaluation.forecast_errors import error_ratios


def rows(mae, labels=("normal", "normal", "spark", "spark")):
    return [
        {"motor": f"M{place}", "label": label, "n_windows": 10 * (place + 1), "mae": one, "mean_mae": 2.0}
        for place, (one, label) in enumerate(zip(mae, labels, strict=True))
    ]


def test_ratio_weighs_windows_and_lies_in_its_interval():
    ratio, difference = error_ratios(rows([1.0, 1.2, 0.4, 0.8]))
    assert ratio.value == pytest.approx(np.average([0.5, 0.6, 0.2, 0.4], weights=[1, 2, 3, 4]))
    low, high = ratio.interval
    assert low < ratio.value < high
    assert difference is None


def test_difference_is_on_the_same_motors():
    mae = np.array([1.0, 1.2, 0.4, 0.8])
    ratio, difference = error_ratios(rows(mae), rows(mae + 0.2))
    assert difference.value == pytest.approx(-0.1)
    assert difference.interval == pytest.approx((-0.1, -0.1))  # narrow, though motors differ
    assert ratio.interval[1] - ratio.interval[0] > 0.1


def test_other_motors_tell_no_difference():
    assert error_ratios(rows([1.0] * 4), rows([1.0] * 4)[:3])[1] is None


def test_class_of_one_motor_tells_no_interval():
    assert error_ratios(rows([1.0, 1.2, 0.4], ("normal", "normal", "spark")))[0].interval is None
