"""Checkpointing computes blocks again: the same loss and gradients to the bit, from less that is kept."""

import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.linear import Linear
from motor.backbones.training.checkpointing import checkpoint_gradients


def gradients_of(forecaster, windows):
    """The loss of a training step with dropout, and every gradient."""
    forecaster.model.train()
    forecaster.model.zero_grad()
    torch.manual_seed(5)
    loss = forecaster.loss(Batch(*windows))
    loss.backward()
    named = forecaster.model.named_parameters()
    return loss.detach(), {name: weight.grad for name, weight in named if weight.grad is not None}


def bytes_kept(forecaster, windows):
    """Bytes that a forward pass keeps for its backward pass, weights and a checkpointed module's inputs left out."""
    forecaster.model.train()
    weights = {weight.data_ptr() for weight in forecaster.model.parameters()}
    kept = {}

    def note(tensor):
        if tensor.data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = forecaster.loss(Batch(*windows))
    del loss
    return sum(kept.values())


def test_checkpointing_loss_and_gradients_are_the_same_to_the_bit(forecaster, windows):
    plain_loss, plain = gradients_of(forecaster, windows)
    with checkpoint_gradients(forecaster):
        loss, checkpointed = gradients_of(forecaster, windows)
    assert torch.equal(loss, plain_loss)
    assert plain.keys() == checkpointed.keys()
    assert [name for name in plain if not torch.equal(plain[name], checkpointed[name])] == []


def test_checkpointing_mixed_precision_gradients_are_the_same_to_the_bit(forecaster, windows):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, plain = gradients_of(forecaster, windows)
        checkpoint_gradients(forecaster)
        _, checkpointed = gradients_of(forecaster, windows)
    assert all(torch.equal(plain[name], checkpointed[name]) for name in plain)


def test_checkpointing_keeps_less_than_half(create, backbone, windows, domains):
    forecaster = create(backbone, domains)
    plain = bytes_kept(forecaster, windows)
    checkpoint_gradients(forecaster)
    assert bytes_kept(forecaster, windows) < plain / 2


def test_checkpointing_frozen_blocks_train_the_rest_alone(forecaster, windows):
    forecaster.train_only_last(1)
    _, plain = gradients_of(forecaster, windows)
    checkpoint_gradients(forecaster)
    _, checkpointed = gradients_of(forecaster, windows)
    assert plain.keys() == checkpointed.keys()
    assert len(plain) > 1
    assert all(torch.equal(plain[name], checkpointed[name]) for name in plain)


def test_checkpointing_forecasts_and_weights_are_untouched(forecaster, windows):
    context, _, domain = windows
    names, forecast = list(forecaster.model.state_dict()), forecaster.predict_quantiles(Batch(context, None, domain))
    checkpoint_gradients(forecaster)
    assert list(forecaster.model.state_dict()) == names
    assert torch.equal(forecaster.predict_quantiles(Batch(context, None, domain)), forecast)


def test_checkpointing_removed_leaves_no_trace(forecaster):
    modules = list(forecaster.model.modules())
    before = [dict(vars(module)) for module in modules]
    checkpointing = checkpoint_gradients(forecaster)
    assert any("forward" in vars(module) for module in modules)
    checkpointing.remove()
    checkpointing.remove()
    assert [vars(module) for module in modules] == before


def test_checkpointing_predictor_is_stock(forecaster, windows, names, stock, tmp_path, sorted_stock_forecast):
    checkpoint_gradients(forecaster)
    gradients_of(forecaster, windows)
    forecaster.model.eval()
    forecaster.save(tmp_path)
    own = forecaster.predict_quantiles(Batch(windows[0], None, windows[2])).numpy()
    assert abs(sorted_stock_forecast(tmp_path, forecaster, windows[0], names) - own).max() < 1e-5


def test_checkpointing_forecaster_without_blocks_raises(create):
    with pytest.raises(ValueError, match=r"LinearForecaster names none.*set finetune\.gradient_checkpointing to false"):
        checkpoint_gradients(create(Linear()))
