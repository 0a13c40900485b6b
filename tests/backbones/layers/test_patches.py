"""Patches of a context, and what is known beside it."""

import numpy as np
import torch

from motor.backbones.batch import Batch
from motor.backbones.layers.patches import known, n_known, patches


def test_patches_end_where_the_context_ends():
    cut = patches(torch.arange(1.0, 8.0)[None], 3)
    assert cut.tolist() == [[[0, 0, 1], [2, 3, 4], [5, 6, 7]]]


def test_known_values_are_speed_and_domain_and_a_missing_speed_is_said_to_be():
    context = torch.zeros(3, 4)
    speeds = torch.tensor([1000.0 * np.e, np.nan, 1000.0])
    batch = Batch(context, None, torch.tensor([0, 1, 1]), covariates={"speed_rpm": speeds})
    values = known(batch, ("left", "right"))
    torch.testing.assert_close(values, torch.tensor([[1.0, 1, 1, 0], [0, 0, 0, 1], [0, 1, 0, 1]]))
    assert n_known(("left", "right")) == values.shape[1]
    assert known(batch._replace(covariates=None), ("one",)).tolist() == [[0, 0]] * 3
