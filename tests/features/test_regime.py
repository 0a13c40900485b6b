"""Feature `regime`: the logarithm of a posterior beside it."""

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.vssm.settings import Vssm
from motor.features.regime import Regime

CONTEXT, HORIZON, LEVELS = 64, 16, (0.1, 0.5, 0.9)


def test_regime_tells_how_far_from_any_doubt_a_regime_is():
    forecaster = Vssm(patch=16, width=8, n_states=4, n_regimes=2).create(CONTEXT, HORIZON, LEVELS, 0.0, ("one",), 0)
    batch = Batch(torch.randn(5, CONTEXT, generator=torch.manual_seed(0)).numpy(), None, np.zeros(5, np.int64))
    posterior_BL = forecaster.forecast(batch).regimes_BLK[..., 1].numpy()
    frame = Regime(least=0.01).per_window(forecaster, batch, 1.0).frame
    log_BL = np.log(posterior_BL + 0.01)
    assert frame["regime_1"].tolist() == pytest.approx(posterior_BL.mean(axis=1), rel=1e-5)
    assert frame["regime_1_log"].tolist() == pytest.approx(log_BL.mean(axis=1), rel=1e-5)
    assert frame["regime_1_log_spread"].tolist() == pytest.approx(log_BL.std(axis=1), rel=1e-4)
