import numpy as np
import pytest
import torch

from motor.backbones.training import Batch
from motor.backbones.training.batches import largest_group, n_windows, parts, tensors


def batch_of(groups):
    rows = np.arange(len(groups))
    return Batch(rows[:, None] * np.ones((1, 3)), rows[:, None] * 1.0, rows % 2, rows, np.array(groups))


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
    assert [n_windows(part) for part in found] == sizes
    for whole, *pieces in zip(batch, *found, strict=True):
        assert np.array_equal(np.concatenate(pieces), whole)


def test_parts_without_groups_cut_anywhere():
    batch = batch_of([1, 1, 1])._replace(group_B=None, windows=None)
    assert [part.group_B for part in parts(batch, 2)] == [None, None]
    assert largest_group(batch) == 1
    assert largest_group(batch_of([1, 1, 1, 2])) == 3


def test_tensors_are_of_the_types_that_a_forecaster_takes():
    context, _, domain, group = tensors(batch_of([1, 1])._replace(domain_B=np.zeros(2, dtype=np.int8)))
    assert domain.dtype == group.dtype == torch.int64
    assert context.shape == (2, 3)
