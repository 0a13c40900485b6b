import copy
import itertools
import pickle

import numpy as np
import pytest
import torch

from motor.backbones import training
from motor.backbones.training import Training, TrainingError, learning_rate_at, train, validate


@pytest.fixture
def batches(tiny):
    return lambda first: (tiny.sine_windows(step) for step in itertools.count(first))


@pytest.fixture
def run(tiny, kind, batches):
    """Train a fresh tiny forecaster; return it with its history."""

    def run(folder=None, report=lambda row: None, validation=tiny.held_out, batches=batches, seed=3, **settings):
        forecaster = tiny.forecaster_of(kind)
        settings = Training(**(tiny.SETTINGS | settings))
        return forecaster, train(forecaster, batches, validation, settings, seed, folder, report)

    return run


def untimed(history):
    return [{name: value for name, value in row.items() if name != "windows_per_s"} for row in history]


def kill_at(step):
    def report(row):
        if row["step"] >= step:
            raise KeyboardInterrupt

    return report


def test_train_learns(run):
    forecaster, history = run(num_steps=80, learning_rate=2e-2, validate_every=80, dropout_rate=0.0)
    assert history[-1]["validation_mae"] < 0.7 * history[0]["validation_mae"]
    assert history[-1]["loss"] < 0.7 * history[1]["loss"]
    assert not forecaster.model.training


def test_train_history_says_what_was_reported(run):
    rows = []
    _, history = run(report=rows.append)
    assert rows == history
    assert [row["step"] for row in history] == [0, 3, 4, 6, 8, 9, 12]
    assert [row["step"] for row in history if "validation_wql" in row] == [0, 4, 8, 12]
    assert set(history[-1]) == {
        "step", "loss", "gradient_norm", "learning_rate", "windows_per_s", "validation_wql", "validation_mae",
    }  # fmt: skip


@pytest.mark.parametrize("step", [3, 9])
def test_train_killed_and_called_again_gives_the_same_bits(run, tmp_path, step, tiny):
    undisturbed, history = run()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, report=kill_at(step))
    torch.rand(3)
    resumed, resumed_history = run(tmp_path)
    assert torch.equal(tiny.weights_of(resumed), tiny.weights_of(undisturbed))
    assert untimed(resumed_history) == untimed(history)


def test_train_called_again_when_done_does_no_step(run, tmp_path, tiny):
    first, history = run(tmp_path)
    again, same = run(tmp_path, report=kill_at(0), batches=lambda step: pytest.fail("no batch is due"))
    assert torch.equal(tiny.weights_of(again), tiny.weights_of(first))
    assert same == history


def test_train_checkpoint_cut_short_leaves_the_last_one(run, tmp_path, monkeypatch, tiny):
    def save_half(state, stream):
        stream.write(b"half")
        raise OSError("disk full")

    undisturbed, _ = run()
    save = torch.save
    calls = iter([save, save_half])
    monkeypatch.setattr(torch, "save", lambda *arguments: next(calls)(*arguments))
    with pytest.raises(OSError, match="disk full"):
        run(tmp_path)
    monkeypatch.setattr(torch, "save", save)
    assert torch.load(tmp_path / training.CHECKPOINT)["step"] == 5
    assert torch.equal(tiny.weights_of(run(tmp_path)[0]), tiny.weights_of(undisturbed))


def test_train_checkpoint_of_other_settings_raises(run, tmp_path):
    run(tmp_path)
    with pytest.raises(TrainingError, match=r"another training.*'learning_rate': \(0.001, 0.1\)"):
        run(tmp_path, learning_rate=0.1)


def test_train_depends_on_its_seed_and_leaves_the_global_state(run, tiny):
    torch.manual_seed(1)
    first = tiny.weights_of(run()[0])
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert torch.equal(tiny.weights_of(run()[0]), first)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(tiny.weights_of(run(seed=4)[0]), first)


def test_train_checkpoint_intervals_do_not_change_the_weights(run, tmp_path, tiny):
    often = run(tmp_path, checkpoint_every=1, log_every=1)[0]
    assert torch.equal(tiny.weights_of(often), tiny.weights_of(run()[0]))


@pytest.fixture
def shifted_later(batches):
    """Batches whose future is shifted from step 6 on, so that validation gets worse."""

    def shifted(first):
        for step, batch in enumerate(batches(first), start=first):
            yield batch if step < 6 else batch._replace(future_BH=batch.future_BH + 4)

    return shifted


def test_train_ends_with_the_best_validation(run, shifted_later, tiny):
    forecaster, history = run(batches=shifted_later, num_steps=20, learning_rate=2e-2, validate_every=3)
    scores = [row["validation_wql"] for row in history if "validation_wql" in row]
    assert scores[-1] > min(scores)
    assert validate(forecaster, tiny.held_out())["validation_wql"] == min(scores)


def test_train_stops_when_patience_is_over(run, shifted_later):
    _, history = run(batches=shifted_later, num_steps=60, learning_rate=2e-2, validate_every=3, patience=2)
    scores = [row["validation_wql"] for row in history if "validation_wql" in row]
    assert history[-1]["step"] < 60
    assert min(scores) == scores[-3]


def test_train_without_validation_keeps_the_last_weights(run, tiny):
    forecaster, history = run(validation=None)
    assert not any("validation_wql" in row for row in history)
    assert not torch.equal(tiny.weights_of(forecaster), tiny.weights_of(run(validation=None, num_steps=6)[0]))


def test_train_last_blocks_alone(run, create, backbone, tmp_path):
    before = dict(create(backbone, ("a", "b")).model.named_parameters())
    forecaster, _ = run(tmp_path, trainable_blocks=1, validation=None)
    frozen = {name for name, weight in forecaster.model.named_parameters() if not weight.requires_grad}
    assert "shared.weight" in frozen
    for name, weight in forecaster.model.named_parameters():
        if name in frozen:
            assert torch.equal(weight, before[name]), name
            assert weight.grad is None
    head = forecaster.model.output_patch_embedding.output_layer.weight
    assert not torch.equal(head, before["output_patch_embedding.output_layer.weight"])
    state = torch.load(tmp_path / training.CHECKPOINT)
    assert len(state["optimizer"]["state"]) == len(before) - len(frozen)


def test_train_infinite_loss_names_step_and_windows(run, batches):
    def broken(first):
        for step, batch in enumerate(batches(first)):
            if step == 2:
                batch.context_BT[1, 0] = np.inf
            yield batch

    with pytest.raises(TrainingError, match=r"step 2: loss is nan, gradient norm .* on windows \[200, 201, 202, 203\]"):
        run(batches=broken)


def test_train_data_that_ends_raises(run, batches):
    with pytest.raises(TrainingError, match="ended at step 7 of 12"):
        run(batches=lambda first: itertools.islice(batches(first), 7))


def test_training_error_pickles():
    error = pickle.loads(pickle.dumps(TrainingError("step 3: loss is nan")))
    assert str(error) == "step 3: loss is nan"


def test_train_takes_read_only_arrays(run, tiny, batches):
    def read_only(first):
        for batch in batches(first):
            for part in batch[:4]:
                part.flags.writeable = False
            yield batch

    assert torch.equal(tiny.weights_of(run(batches=read_only)[0]), tiny.weights_of(run()[0]))


def test_validate_equals_the_formula(create, backbone, tiny):
    forecaster = create(backbone, ("a", "b"))
    data = copy.deepcopy(tiny.held_out())
    data[0].future_BH[1, 4:9] = np.nan
    scores = validate(forecaster, data)
    y = np.concatenate([batch.future_BH for batch in data])[..., None]
    q = torch.cat([forecaster.predict_quantiles(b) for b in data]).numpy()
    levels = np.array([0.1, 0.5, 0.9])
    pinball = np.where(y >= q, levels * (y - q), (1 - levels) * (q - y))
    wql = 2 * np.nansum(pinball, axis=(0, 1)) / np.nansum(np.abs(y))
    assert scores["validation_wql"] == pytest.approx(wql.mean(), rel=1e-5)
    assert scores["validation_mae"] == pytest.approx(np.nanmean(np.abs(y[..., 0] - q[..., 1])), rel=1e-5)


def test_validate_nothing_raises(create, backbone):
    with pytest.raises(TrainingError, match="cannot be scored"):
        validate(create(backbone), [])


def test_learning_rate_rises_then_falls():
    settings = Training(num_steps=100, learning_rate=1.0, warmup_ratio=0.1)
    rates = [learning_rate_at(step, settings) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1.0
    assert rates[99] == pytest.approx(1 / 90)
    assert all(np.diff(rates[10:]) < 0)
