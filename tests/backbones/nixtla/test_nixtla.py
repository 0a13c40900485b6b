"""Models of neuralforecast: those that cannot be rivals are refused by name; of the others the settings are checked."""

import random

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from motor.backbones.base import missing_packages
from motor.backbones.batch import Batch
from motor.backbones.nixtla import PLUGIN as Nixtla
from motor.backbones.nixtla.settings import REFUSED

needs_library = pytest.mark.skipif(
    bool(missing_packages(Nixtla.PACKAGES)), reason="neuralforecast, an extra, is not installed here"
)


def create(**settings):
    return Nixtla(**settings).create(64, 16, (0.1, 0.5, 0.9), 0.0, ("left", "right"), 3)


@pytest.mark.parametrize("name", REFUSED)
def test_model_that_mixes_rows_or_takes_hours_is_refused_by_name(name):
    with pytest.raises(ValidationError, match=f"{name} .*choose another model"):
        Nixtla(model=name)


@needs_library
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"model": "NHITZ"}, "no model 'NHITZ'"),
        ({"settings": {"n_block": 2}}, "n_block are none of NHITS's"),
        ({"settings": {"max_steps": 2}}, "max_steps are none of NHITS's"),
    ],
)
def test_unknown_model_or_setting_is_named(given, told):
    with pytest.raises(ValueError, match=told):
        create(**given)


@needs_library
@pytest.mark.parametrize("model", ["NHITS", "PatchTST", "TiDE", "DLinear"])
def test_model_answers_alone_as_among_others_and_leaves_the_generators_of_others_alone(model):
    states = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    forecaster = create(model=model)
    assert random.getstate() == states[0]
    assert (np.random.get_state()[1] == states[1]).all()  # noqa: NPY002
    context_BT = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    batch = Batch(context_BT, None, np.arange(5) % 2)
    together = forecaster.predict_quantiles(batch)
    alone = torch.cat([forecaster.predict_quantiles(batch.rows(slice(row, row + 1))) for row in range(5)])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=0)
    assert forecaster.predict_quantiles(batch._replace(context_BT=context_BT[:, 16:])).isfinite().all()
