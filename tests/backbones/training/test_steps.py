import itertools

import pytest
import torch

from motor.backbones.training import Training, train
from motor.backbones.training.schedule import optimizer_of
from motor.backbones.training.settings import ALONE
from motor.backbones.training.steps import Steps

EXACT = {"dropout_rate": 0.0, "precision": "float32", "log_every": 1}


def losses(result):
    return [row["loss"] for row in result["history"] if "loss" in row]


@pytest.mark.parametrize("micro_batch", [3, 1])
def test_step_in_parts_has_the_loss_of_the_whole(tiny, kind, micro_batch):
    whole = tiny.fine_tune(kind, EXACT)
    assert losses(tiny.fine_tune(kind, EXACT, micro_batch=micro_batch)) == pytest.approx(losses(whole), rel=1e-5)


def test_step_in_parts_drops_other_values_in_each(tiny, kind):
    assert losses(tiny.fine_tune(kind, {}, micro_batch=2)) != losses(tiny.fine_tune(kind, {}))


def test_step_with_gradient_checkpointing_gives_the_same_bits(tiny, kind):
    plain = tiny.fine_tune(kind, {"num_steps": 4})
    checkpointed = tiny.fine_tune(kind, {"num_steps": 4, "gradient_checkpointing": True})
    assert torch.equal(checkpointed["weights"], plain["weights"])


@pytest.mark.parametrize("way", [{"trainable_blocks": 0}, {"lora": {"rank": 2}}], ids=["head", "adapters"])
def test_step_leaves_frozen_weights_without_gradient_and_optimizer_memory(tiny, kind, way, tmp_path):
    forecaster = tiny.forecaster_of(kind)
    seen = {}

    def report(row):
        named = forecaster.model.named_parameters()
        seen.update({name: (weight.requires_grad, weight.grad) for name, weight in named})

    batches = (tiny.sine_windows(step) for step in itertools.count())
    settings = Training(**(tiny.SETTINGS | {"num_steps": 5} | way))
    train(forecaster, lambda first: batches, None, settings, 3, tmp_path, report)
    state = torch.load(tmp_path / "checkpoint.pt")
    trained = {name for name, (is_trained, _) in seen.items() if is_trained}
    assert 0 < len(trained) < len(seen)
    assert set(state["weights"]) == trained
    assert len(state["optimizer"]["state"]) <= len(trained)
    assert all(seen[name][1] is None for name in seen.keys() - trained)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler uses what torch itself calls deprecated
def test_step_compiled_has_nearly_the_loss_of_the_plain_one(tiny, kind):
    plain = tiny.fine_tune(kind, EXACT)
    compiled = tiny.fine_tune(kind, EXACT | {"compile": True})
    assert losses(compiled) == pytest.approx(losses(plain), rel=1e-4)


def test_steps_leave_the_model_as_the_stock_one(tiny, kind):
    forecaster = tiny.forecaster_of(kind)
    steps = Steps(forecaster, Training(gradient_checkpointing=True), 0, ALONE, None)
    steps.take(tiny.sine_windows(0), 0)
    assert not [name for name, module in forecaster.model.named_modules() if "forward" in vars(module)]


def test_optimizer_decays_matrices_alone():
    matrix, vector = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2))
    optimizer = optimizer_of([vector, matrix], Training(weight_decay=0.5))
    assert [(group["params"][0].ndim, group["weight_decay"]) for group in optimizer.param_groups] == [
        (2, 0.5),
        (1, 0.0),
    ]
