"""Names of motors: training may lean on ids, evaluation never; a forecaster that reads them is refused."""

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.layers.ids import UNKNOWN, MotorIds, rows_of
from motor.backbones.names import check_names_unread
from motor.backbones.tft import PLUGIN as Tft
from motor.backbones.training import TrainingError

LEVELS = (0.1, 0.5, 0.9)


@pytest.fixture
def batch():
    generator = np.random.default_rng(2)
    context_BT, future_BH = (generator.normal(size=(6, n)).astype(np.float32) for n in (64, 16))
    names = np.array([f"motor {number % 3}" for number in range(6)])
    return Batch(context_BT, future_BH, np.zeros(6, np.int64), item_B=names, motor_B=names)


@pytest.fixture
def forecaster():
    made = Tft(patch=16, width=8, motor_ids=32).create(64, 16, LEVELS, 0.0, ("one",), 0)
    with torch.no_grad():
        made.model.ids.table.weight.normal_()
    return made


def test_ids_are_learned_in_training_and_unknown_afterwards(forecaster, batch):
    check_names_unread(forecaster, batch)
    forecaster.model.train()
    losses = []
    for names in (batch.motor_B, np.array(["another"] * 6)):
        torch.manual_seed(0)
        losses.append(forecaster.loss(batch._replace(motor_B=names)).item())
    assert losses[0] != losses[1]
    forecaster.loss(batch).backward()
    taught = forecaster.model.ids.table.weight.grad.abs().sum(dim=1).nonzero().flatten().tolist()
    assert set(taught) <= {UNKNOWN, *rows_of(batch.motor_B, 32)}
    assert len(taught) > 1


def test_share_of_ids_that_are_unknown_is_the_one_asked_for():
    ids = MotorIds(4, 1, 0.3).train()
    with torch.no_grad():
        ids.table.weight[1:] = 1.0
    many = Batch(torch.zeros(4000, 1), None, None, motor_B=np.array(["m"] * 4000))
    assert ids(many).mean().item() == pytest.approx(0.7, abs=0.03)
    assert ids.eval()(many).abs().sum() == 0


@pytest.mark.leak
def test_planted_forecaster_that_knows_training_motors_by_name_is_refused(forecaster, batch):
    forecaster.model.ids.eval = lambda: forecaster.model.ids  # as a network would that keeps its ids
    forecaster.model.ids.training, forecaster.model.ids.dropped = True, 0.0
    with pytest.raises(TrainingError, match="follows from the name of its motor"):
        check_names_unread(forecaster, batch)


def test_setting_of_before_has_its_record_of_before():
    assert set(Tft().model_dump()) == {"kind", "patch", "width", "n_heads", "embedding"}
    assert Tft(motor_ids=8).model_dump()["motor_ids"] == 8
