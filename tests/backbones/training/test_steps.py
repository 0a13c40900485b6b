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


def test_step_with_several_objectives_tells_each_in_the_history(tiny, kind):
    objective = [{"kind": "quantile"}, {"kind": "mae", "weight": 0.5}]
    alone = tiny.fine_tune(kind, EXACT | {"num_steps": 4, "objective": objective})
    rows = [row for row in alone["history"] if "loss" in row]
    assert [row["loss"] for row in rows] == pytest.approx(
        [row["loss_quantile"] + 0.5 * row["loss_mae"] for row in rows], rel=1e-5
    )
    assert losses(alone) != losses(tiny.fine_tune(kind, EXACT | {"num_steps": 4}))
    parts = tiny.fine_tune(kind, EXACT | {"num_steps": 4, "objective": objective}, micro_batch=1)
    assert [row["loss_mae"] for row in parts["history"] if "loss" in row] == pytest.approx(
        [row["loss_mae"] for row in rows], rel=1e-4
    )


@pytest.mark.parametrize("step", [3, 9])
def test_step_with_several_objectives_killed_and_called_again_tells_the_same(tiny, kind, tmp_path, step, monkeypatch):
    settings = {"objective": [{"kind": "quantile"}, {"kind": "mse"}], "checkpoint_every": 2}
    undisturbed = tiny.fine_tune(kind, settings)

    def stopped(at):
        def report(row):
            if at is not None and row["step"] >= at:
                raise KeyboardInterrupt

        return report

    monkeypatch.setattr(tiny, "kill_at", stopped)
    with pytest.raises(KeyboardInterrupt):
        tiny.fine_tune(kind, settings, tmp_path, killed_at=step)
    resumed = tiny.fine_tune(kind, settings, tmp_path)
    assert torch.equal(resumed["weights"], undisturbed["weights"])
    told = [[row.get("loss_mse") for row in result["history"]] for result in (resumed, undisturbed)]
    assert told[0] == told[1]
