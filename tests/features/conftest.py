"""A forecaster of a few lines, with the calls that features make."""

import numpy as np
import pytest
import torch
from torch import Tensor

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast

Z_SCORES = {0.1: -1.2816, 0.5: 0.0, 0.9: 1.2816}


class LinearForecaster:
    """Forecasts that the last sample decays to the context's mean; embeds patches by a fixed projection.

    Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D embedding.
    """

    context_length = 64
    prediction_length = 128
    quantile_levels = (0.1, 0.5, 0.9)
    domains = ("left", "right")
    d_model = 5

    def predict_quantiles(self, batch: Batch) -> Tensor:
        context_BT, _, group_B = tensors_of(batch)
        mean_B1 = of_group(context_BT, group_B).mean(dim=1, keepdim=True)
        decay_H = 0.9 ** torch.arange(1, self.prediction_length + 1)
        median_BH = mean_B1 + (context_BT[:, -1:] - mean_B1) * decay_H
        spread_B1 = context_BT.std(dim=1, keepdim=True, correction=0)
        return torch.stack([median_BH + Z_SCORES[level] * spread_B1 for level in self.quantile_levels], dim=-1)

    def embed(self, batch: Batch) -> Tensor:
        context_BT, domain_B, group_B = tensors_of(batch)
        projection = torch.randn(8, self.d_model, generator=torch.Generator().manual_seed(0))
        return of_group(context_BT, group_B).unflatten(1, (-1, 8)) @ projection + domain_B[:, None, None]

    def forecast(self, batch: Batch) -> Forecast:
        """As it predicts; its regimes and its gate are softmaxes of what it embeds."""
        tokens_BLD = self.embed(batch)
        regimes_BLK, quantiles_BHQ = tokens_BLD.softmax(dim=-1), self.predict_quantiles(batch)
        branches = dict.fromkeys("abcde", quantiles_BHQ)
        gate_BN = (tokens_BLD.mean(dim=1) * 5).softmax(dim=-1)
        return Forecast(
            quantiles_BHQ, self.quantile_levels, regimes_BLK=regimes_BLK, gate_BN=gate_BN, branches=branches
        )


def tensors_of(batch: Batch) -> tuple[Tensor, Tensor, Tensor | None]:
    """Context, domain and group."""
    given = batch.tensors()
    return given.context_BT, given.domain_B, given.group_B


def of_group(context_BT: Tensor, group_B: Tensor | None) -> Tensor:
    """Each window, plus a tenth of the sum over its group."""
    group_B = torch.arange(len(context_BT)) if group_B is None else group_B
    return context_BT + 0.1 * (group_B[:, None] == group_B).float() @ context_BT


@pytest.fixture
def forecaster() -> LinearForecaster:
    torch.set_num_threads(1)
    return LinearForecaster()


@pytest.fixture
def signal() -> np.ndarray:
    """Six windows of a sine in noise, context and horizon: shape (6, 192), float32."""
    generator = np.random.default_rng(0)
    phase = generator.uniform(0, 6, size=(6, 1))
    return (np.sin(np.arange(192) / 7 + phase) + generator.normal(size=(6, 192))).astype(np.float32)
