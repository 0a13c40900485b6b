import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch, as_batch, largest_group, parts
from motor.windows.fixed import FixedWindows
from motor.windows.scaling import Scaler
from motor.windows.source import Series


def batch_of(groups):
    rows = np.arange(len(groups))
    names = np.array([f"item {row}" for row in rows], dtype=object)
    known = {"speed_rpm": rows * 100.0}
    signals = rows[:, None] * np.ones((1, 3)), rows[:, None] * 1.0
    return Batch(*signals, rows % 2, rows, np.array(groups), names, names, rows * 10, known)


@pytest.mark.parametrize(
    ("groups", "most", "sizes"),
    [
        ([1, 2, 3, 4, 5], 2, [2, 2, 1]),
        ([1, 1, 2, 2, 3], 2, [2, 2, 1]),
        ([1, 1, 2, 2, 3], 3, [2, 3]),
        ([1, 1, 1, 2], 1, [3, 1]),
        ([7, 7], None, [2]),
    ],
)
def test_parts_are_as_large_as_they_may_be_and_never_cut_a_group(groups, most, sizes):
    batch = batch_of(groups)
    found = list(parts(batch, most))
    assert [part.n_windows for part in found] == sizes
    for whole, *pieces in zip(batch[:-1], *(part[:-1] for part in found), strict=True):
        assert np.array_equal(np.concatenate(pieces), whole)
    speeds = [part.covariates["speed_rpm"] for part in found]
    assert np.array_equal(np.concatenate(speeds), batch.covariates["speed_rpm"])


def test_parts_without_groups_cut_anywhere():
    batch = batch_of([1, 1, 1])._replace(group_B=None, windows=None)
    assert [part.group_B for part in parts(batch, 2)] == [None, None]
    assert largest_group(batch) == 1
    assert largest_group(batch_of([1, 1, 1, 2])) == 3


def test_tensors_are_of_the_types_that_a_forecaster_takes():
    batch = batch_of([1, 1])._replace(domain_B=np.zeros(2, dtype=np.int8)).tensors()
    assert batch.domain_B.dtype == batch.group_B.dtype == batch.start_B.dtype == torch.int64
    assert batch.context_BT.dtype == batch.future_BH.dtype == batch.covariates["speed_rpm"].dtype == torch.float32
    assert batch.context_BT.shape == (2, 3)
    assert batch.item_B.tolist() == ["item 0", "item 1"]


class Signals:
    samples = np.arange(40, dtype=np.float32)
    begins, n_samples = np.array([0, 20]), np.array([20, 20])


def test_as_batch_says_what_is_known_of_each_window():
    scaler = Scaler(0.0, 1.0)
    series = (
        Series("a", 0, "left", "normal", 1.0, scaler, "m1", speed_rpm=1500.0),
        Series("b", 1, "left", None, 1.0, scaler, "m2"),
    )
    windows = FixedWindows(Signals(), series, ("left",), 12, 2)
    batch = as_batch(windows, windows.batch(range(4)), longest=8, context_length=4)
    assert (batch.context_BT.shape, batch.future_BH.shape) == ((4, 4), (4, 4))
    assert batch.item_B.tolist() == ["a", "a", "b", "b"]
    assert batch.motor_B.tolist() == ["m1", "m1", "m2", "m2"]
    np.testing.assert_array_equal(batch.covariates["speed_rpm"], np.float32([1500, 1500, np.nan, np.nan]))
    places = np.array([0, 0, 20, 20]) + batch.start_B
    np.testing.assert_array_equal(Signals.samples[places], batch.context_BT[:, 0])
    assert as_batch(windows, windows.batch(range(1)), longest=12).future_BH is None
