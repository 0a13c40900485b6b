"""Motors on both sides, fitted statistics, values of classes, and the order of files."""

import numpy as np
import pandas as pd
import pytest

from motor.audit.metadata import values_of_classes
from motor.audit.order import file_order
from motor.audit.statistics import Fitted, fitted_on_training_alone, moments, pooled
from motor.audit.units import shared_motors


def test_shared_motors_names_the_motor_and_fold():
    table = pd.DataFrame({"fold": list("aabb"), "motor": ["M1", "M2", "M1", "M1"]})
    table["side"] = ["train", "test", "train", "test"]
    (finding,) = shared_motors(table).findings
    assert finding.evidence == {"n_motors": 1, "motors": ["M1"], "folds": ["b"]}
    assert shared_motors(table[:3]).findings == ()


@pytest.fixture
def signals():
    random = np.random.default_rng(4)
    return [random.normal(mean, scale, n) for mean, scale, n in ((0, 1, 500), (5, 2, 300), (-1, 3, 800))]


def test_pooled_moments_are_those_of_all_samples(signals):
    found = pooled(tuple(map(moments, signals)), centred=False)
    together = np.concatenate(signals)
    assert found == pytest.approx((together.mean(), together.std()))


def test_pooled_centred_moments_leave_out_differences_of_means(signals):
    centred = np.concatenate([signal - signal.mean() for signal in signals])
    assert pooled(tuple(map(moments, signals)), centred=True)[1] == pytest.approx(centred.std())


def test_fitted_statistics_of_one_foreign_signal_are_found(signals):
    allowed = tuple(map(moments, signals[:2]))
    right, wrong = pooled(allowed, False), pooled(tuple(map(moments, signals)), False)
    assert fitted_on_training_alone([Fitted("0", "east", *right, False, allowed)]).findings == ()
    (finding,) = fitted_on_training_alone([Fitted("0", "east", *wrong, False, allowed)]).findings
    assert finding.name == "fitted_statistics"


def recordings(lengths, labels):
    motors = [f"M{number}" for number in range(len(labels))]
    return pd.DataFrame({"motor": motors, "domain": "east", "label": labels, "length": lengths})


def test_values_of_classes_one_value_a_class_is_found_with_few_motors():
    (finding,) = values_of_classes(recordings([500, 500, 400, 400], ["a", "a", "b", "b"]), "length")
    assert finding.evidence["classes"] == {"400": "b", "500": "a"}


@pytest.mark.parametrize("lengths", [[500, 400, 500, 400], [1, 2, 3, 4], [5, 5, 5, 5]])
def test_values_of_classes_mixed_or_single_values_are_none(lengths):
    assert values_of_classes(recordings(lengths, ["a", "a", "b", "b"]), "length") == ()


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["c", "a", "b"], [0, 1, 2]),
        (["a/1.wav", "a/2.wav", "b/1.wav"], [0, 0, 0]),
        (["a/8.wav", "a/9.wav", "b/10.wav"], [8, 9, 10]),
        (["x7.mat#0", "x7.mat#1", "x9.mat#0"], [7, 7, 9]),
        (["IR2_1200.mat#0", "IR2_600.mat#0", "IR5_1200.mat#0"], [0, 0, 0]),
    ],
    ids=["unsorted", "folders", "running_number", "cut_series", "numbers_that_repeat"],
)
def test_file_order_is_told_by_places_or_running_numbers(items, expected):
    assert file_order(pd.Series(items)).tolist() == expected
