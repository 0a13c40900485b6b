"""Sensors of a moment tell one another what they hear, and those of another moment nothing."""

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.graph import PLUGIN as Graph
from motor.backbones.training import Training, train

CONTEXT, HORIZON, DOMAINS, LEVELS = 64, 16, ("ahead", "behind"), (0.1, 0.5, 0.9)


def pairs(number: int, n_pairs: int = 16) -> Batch:
    """Noise that one sensor hears `HORIZON` samples before the other: what follows there has been heard here."""
    generator = np.random.default_rng([3, number])
    source = generator.standard_normal((n_pairs, CONTEXT + 2 * HORIZON)).astype(np.float32)
    ahead, behind = source[:, HORIZON:], source[:, : CONTEXT + HORIZON]
    window_BN = np.stack([ahead, behind], axis=1).reshape(2 * n_pairs, -1)
    domain_B, group_B = np.tile([0, 1], n_pairs), np.repeat(np.arange(n_pairs), 2)
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], domain_B, group_B=group_B)


def created(**settings):
    return Graph(patch=16, width=48, **settings).create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0)


@pytest.mark.parametrize("adjacency", ["static", "dynamic", "mixed"])
def test_window_of_another_moment_moves_it_by_nothing(adjacency):
    forecaster, batch = created(adjacency=adjacency), pairs(0)
    forecast = forecaster.predict_quantiles(batch)
    changed = batch.context_BT.copy()
    changed[2:] = np.random.default_rng(5).standard_normal(changed[2:].shape)
    moved = forecaster.predict_quantiles(batch._replace(context_BT=changed))
    assert torch.equal(moved[:2], forecast[:2])
    changed = batch.context_BT.copy()
    changed[0, -3:] += 5
    assert not torch.equal(forecaster.predict_quantiles(batch._replace(context_BT=changed))[1], forecast[1])


def test_sensor_that_is_missing_or_silent_leaves_the_other_a_forecast():
    forecaster, batch = created(), pairs(0)
    alone = Batch(batch.context_BT[1::2], None, batch.domain_B[1::2], group_B=batch.group_B[1::2])
    assert forecaster.predict_quantiles(alone).isfinite().all()
    silent = batch.context_BT.copy()
    silent[0] = np.nan
    assert forecaster.predict_quantiles(batch._replace(context_BT=silent)).isfinite().all()


@pytest.mark.slow
def test_future_in_another_sensors_past_is_forecast_with_the_graph_alone():
    def error(batch_of):
        forecaster = created()
        training = Training(num_steps=1500, batch_size=32, learning_rate=5e-3, dropout_rate=0.0, precision="float32")
        batches = (batch_of(pairs(step)) for step in range(1500))
        train(forecaster, lambda first: batches, None, training, 0, None, lambda row: None)
        unseen = pairs(10**6, 200)
        median_BH = forecaster.predict_quantiles(batch_of(unseen))[1::2, :, 1].numpy()
        behind_BH = unseen.future_BH[1::2]
        return np.abs(behind_BH - median_BH).mean() / np.abs(behind_BH).mean()

    assert error(lambda batch: batch) <= 0.15
    assert error(lambda batch: batch._replace(group_B=np.arange(len(batch.group_B)))) == pytest.approx(1.0, abs=0.05)
