"""LoRA's factors come, learn and go; what is saved is stock."""

import numpy as np
import pytest
import torch
from chronos import BaseChronosPipeline
from safetensors import safe_open

from motor.backbones.batch import Batch
from motor.backbones.linear import Linear
from motor.backbones.lora import Lora, adapt, merge

LORA = Lora(rank=4, alpha=8.0)
ADAPTED_LAYERS = {"bolt": 2 * 4 + 2 * 2 + 2 * 8 + 2 * 2, "chronos2": 2 * 8 + 2 * 2}  # encoder, and Bolt's decoder


def trainable(forecaster):
    return {name: weight for name, weight in forecaster.model.named_parameters() if weight.requires_grad}


def train_a_little(forecaster, windows, steps=6):
    """A few steps of plain AdamW on what is trainable."""
    optimizer = torch.optim.AdamW(trainable(forecaster).values(), lr=1e-2)
    forecaster.model.train()
    for _ in range(steps):
        forecaster.loss(Batch(*windows)).backward()
        optimizer.step()
        optimizer.zero_grad()
    forecaster.model.eval()
    return optimizer


def test_adapt_leaves_class_and_forecasts_as_they_were(forecaster, windows):
    context, _, domain = windows
    stock_class, before = type(forecaster.model), forecaster.predict_quantiles(Batch(context, None, domain))
    adapt(forecaster, LORA, seed=3)
    assert type(forecaster.model) is stock_class
    assert not any(module.training for module in forecaster.model.modules())
    assert torch.equal(forecaster.predict_quantiles(Batch(context, None, domain)), before)


def test_adapt_frees_the_factors_and_the_head_alone(forecaster, kind):
    adapt(forecaster, LORA, seed=3)
    names = set(trainable(forecaster))
    assert len([name for name in names if ".lora_A." in name]) == ADAPTED_LAYERS[kind]
    others = {name for name in names if ".lora_" not in name}
    head = {name for name, _ in forecaster.model.named_parameters() if name.startswith("output_patch_embedding.")}
    assert others == head


def test_adapt_draws_by_its_seed_alone(create, backbone):
    def factors(seed):
        torch.manual_seed(seed + 17)
        before = torch.get_rng_state()
        forecaster = adapt(create(backbone), LORA, seed)
        assert torch.equal(torch.get_rng_state(), before)
        return torch.cat([weight.flatten() for name, weight in trainable(forecaster).items() if "lora_A" in name])

    assert torch.equal(factors(1), factors(1))
    assert not torch.equal(factors(1), factors(2))


def test_frozen_weights_take_no_gradient_and_no_optimizer_memory(forecaster, windows):
    adapt(forecaster, LORA, seed=3)
    frozen = {name: weight for name, weight in forecaster.model.named_parameters() if not weight.requires_grad}
    before = {name: weight.clone() for name, weight in frozen.items()}
    optimizer = train_a_little(forecaster, windows)
    forecaster.loss(Batch(*windows)).backward()
    assert all(weight.grad is None for weight in frozen.values())
    assert all(torch.equal(weight, before[name]) for name, weight in frozen.items())
    moments = sum(state["exp_avg"].numel() for state in optimizer.state.values())
    assert moments == sum(weight.numel() for weight in trainable(forecaster).values())


def test_merge_gives_a_stock_folder_with_the_same_forecasts(
    create, backbone, domains, windows, names, tmp_path, sorted_stock_forecast
):
    forecaster = create(backbone, domains)
    tensors, base = (
        set(forecaster.model.state_dict()),
        forecaster.predict_quantiles(Batch(windows[0], None, windows[2])),
    )
    train_a_little(adapt(forecaster, LORA, seed=3), windows)
    adapted = forecaster.predict_quantiles(Batch(windows[0], None, windows[2]))
    assert (adapted - base).abs().max() > 0.01
    merge(forecaster).save(tmp_path)
    assert set(forecaster.model.state_dict()) == tensors
    assert len(trainable(forecaster)) == len(list(forecaster.model.parameters()))
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert not [name for name in file.keys() if "lora" in name or "base_layer" in name]  # noqa: SIM118
    assert type(BaseChronosPipeline.from_pretrained(tmp_path).model) is type(forecaster.model)
    expected = sorted_stock_forecast(tmp_path, forecaster, windows[0], names)
    np.testing.assert_allclose(adapted, expected, atol=1e-5)
    loaded = backbone.load(tmp_path, domains)
    torch.testing.assert_close(
        loaded.predict_quantiles(Batch(windows[0], None, windows[2])), adapted, atol=1e-5, rtol=0
    )


def test_merge_without_factors_changes_nothing(forecaster):
    before = {name: weight.clone() for name, weight in forecaster.model.state_dict().items()}
    merge(forecaster)
    assert all(torch.equal(weight, before[name]) for name, weight in forecaster.model.state_dict().items())


def test_adapt_again_after_a_merge_starts_from_what_was_learned(create, backbone, windows):
    forecaster = create(backbone)
    domain = torch.zeros(5, dtype=torch.long)
    train_a_little(adapt(forecaster, LORA, seed=3), (windows[0], windows[1], domain))
    learned = merge(forecaster).predict_quantiles(Batch(windows[0], None, domain))
    again = adapt(forecaster, LORA, seed=4).predict_quantiles(Batch(windows[0], None, domain))
    torch.testing.assert_close(again, learned, atol=1e-6, rtol=0)


def test_set_dropout_and_train_only_last_reach_past_the_factors(create, backbone):
    forecaster = adapt(create(backbone), Lora(rank=2, dropout_rate=0.25), seed=0)
    forecaster.set_dropout(0.5)
    rates = {name: m.p for name, m in forecaster.model.named_modules() if isinstance(m, torch.nn.Dropout)}
    assert {rate for name, rate in rates.items() if ".lora_dropout." in name} == {0.25}
    assert {rate for name, rate in rates.items() if ".lora_dropout." not in name} == {0.5}
    frozen = merge(forecaster).train_only_last(1).model.encoder.block[0]
    assert not any(weight.requires_grad for weight in frozen.parameters())


def test_adapt_twice_raises(forecaster):
    with pytest.raises(ValueError, match="has LoRA factors already; merge them first"):
        adapt(adapt(forecaster, LORA, seed=0), LORA, seed=0)


def test_adapt_without_attention_raises(create):
    with pytest.raises(ValueError, match=r"LinearForecaster has no linear layers in its blocks.*finetune\.lora"):
        adapt(create(Linear()), LORA, seed=0)


def test_save_before_the_merge_raises(forecaster, tmp_path):
    with pytest.raises(ValueError, match="factors are not merged"):
        adapt(forecaster, LORA, seed=0).save(tmp_path)
    assert not list(tmp_path.iterdir())
