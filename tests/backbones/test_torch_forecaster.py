"""A torch module as a forecaster: what it is given, what it may say, and what is kept of it."""

import json
from typing import ClassVar, Literal

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch, parts
from motor.backbones.blocks import Blocks
from motor.backbones.forecast import Forecast
from motor.backbones.lora import Lora, adapt, merge
from motor.backbones.torch_forecaster import TorchBackbone
from motor.backbones.training import Training, train
from motor.backbones.weights import WeightsError

LEVELS = (0.1, 0.5, 0.9)
CONTEXT, HORIZON = 64, 8
SETTINGS = {"num_steps": 4, "learning_rate": 1e-2, "validate_every": 2, "log_every": 1, "dropout_rate": 0.0}


class Picture(torch.nn.Module):
    """Sees the context as an image, its spectrogram, and an image that is given beside it."""

    def __init__(self, geometry):
        super().__init__()
        self.geometry, self.given = geometry, []
        self.fixed = torch.nn.Parameter(torch.ones(2), requires_grad=False)
        self.shades = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.layers = torch.nn.ModuleList([torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())])
        self.head = torch.nn.Linear(4, geometry.prediction_length * len(geometry.quantile_levels))

    def encode(self, batch):
        window = torch.hann_window(16)
        image_BFT = torch.stft(batch.context_BT, 16, 8, window=window, return_complex=True).abs()
        beside_BFT = batch.covariates["image"][:, : image_BFT.shape[1], : image_BFT.shape[2]]
        shades_B4FT = self.shades(torch.stack([image_BFT * self.fixed[0], beside_BFT], dim=1)).relu()
        tokens_BL4 = shades_B4FT.mean(dim=2).transpose(1, 2)
        for layer in self.layers:
            tokens_BL4 = layer(tokens_BL4)
        return tokens_BL4

    def forward(self, batch):
        self.given.append(batch)
        quantiles = self.head(self.encode(batch).mean(dim=1)).unflatten(1, (self.geometry.prediction_length, -1))
        return Forecast(quantiles, auxiliary={"small": quantiles.square().mean()})


class Pictures(TorchBackbone):
    """Images of windows."""

    GIVES: ClassVar[tuple[str, ...]] = ("embedding",)
    kind: Literal["pictures"] = "pictures"
    sizes: tuple[int, ...] = (1, 2)

    def network(self, geometry):
        return Picture(geometry)

    def blocks(self, network):
        return Blocks(inputs=[network.shades], encoder=list(network.layers), head=[network.head])


def create(domains=("one",)):
    return Pictures().create(CONTEXT, HORIZON, LEVELS, 0.0, domains, 0)


def batch_of(number=0, n_windows=6):
    generator = np.random.default_rng(number)
    window_BN = generator.standard_normal((n_windows, CONTEXT + HORIZON)).astype(np.float32) * 3 + 5
    image_BFT = generator.standard_normal((n_windows, 9, 9)).astype(np.float32)
    known = {"image": image_BFT, "speed_rpm": np.full(n_windows, np.nan, np.float32)}
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.zeros(n_windows), covariates=known)


def test_network_gets_images_beside_windows_and_gives_tokens_of_one():
    forecaster, batch = create(), batch_of()
    tokens = forecaster.embed(batch)
    assert tokens.shape == (6, 9, 4)
    alone = torch.cat([forecaster.embed(part) for part in parts(batch, 1)])
    torch.testing.assert_close(alone, tokens, atol=1e-6, rtol=0)
    other = batch._replace(covariates={**batch.covariates, "image": batch.covariates["image"] + 1})
    assert not torch.equal(forecaster.embed(other), tokens)


def test_network_gets_the_future_in_training_alone_in_the_contexts_units():
    forecaster, batch = create(), batch_of()
    forecaster.predict_quantiles(batch)
    forecaster.loss(batch)
    forecast, trained = forecaster.model.given
    assert forecast.future_BH is None
    mean_B1, std_B1 = (of(batch.context_BT, axis=1, keepdims=True) for of in (np.mean, np.std))
    np.testing.assert_allclose(trained.future_BH, (batch.future_BH - mean_B1) / std_B1, atol=1e-5)
    np.testing.assert_allclose(trained.context_BT, (batch.context_BT - mean_B1) / std_B1, atol=1e-5)


def test_blocks_are_what_the_network_says_and_no_layers_that_are_called_so():
    settings = Pictures()
    named = type("Named", (torch.nn.Module,), {"blocks": lambda self: Blocks(head=[self])})()
    layers = torch.nn.Module()
    layers.blocks = torch.nn.ModuleList([torch.nn.Linear(1, 1)])
    assert TorchBackbone.blocks(settings, named).head == [named]
    assert TorchBackbone.blocks(settings, layers) == Blocks()


def trained(tmp_path, **settings):
    forecaster = create()
    history = train(
        forecaster,
        lambda first: (batch_of(step) for step in range(first, 10)),
        lambda: [batch_of(99)],
        Training(**(SETTINGS | settings)),
        3,
        tmp_path,
        lambda row: None,
    )
    return forecaster, history


def test_losses_of_the_networks_own_are_told_and_not_validated(tmp_path):
    _, history = trained(tmp_path)
    rows = [row for row in history if "loss" in row]
    assert all(row["loss"] == pytest.approx(row["loss_quantile"] + row["loss_small"], rel=1e-5) for row in rows)
    assert {"validation_wql", "validation_mae"} < set(history[0])


@pytest.mark.parametrize("way", [{}, {"lora": {"rank": 1}}, {"trainable_blocks": 0}], ids=["all", "adapters", "head"])
def test_what_comes_frozen_stays_so_and_is_saved(tmp_path, way):
    forecaster, _ = trained(tmp_path / "work", **way)
    assert not forecaster.model.fixed.requires_grad
    assert "fixed" not in torch.load(tmp_path / "work" / "checkpoint.pt")["weights"]
    forecaster.save(tmp_path / "predictor")
    loaded = Pictures().load(tmp_path / "predictor", ("one",))
    assert all(map(torch.equal, loaded.model.parameters(), forecaster.model.parameters()))
    forecasts = [one.predict_quantiles(batch_of(1)) for one in (loaded, forecaster)]
    torch.testing.assert_close(*forecasts, atol=1e-6, rtol=0)  # torch convolves by another kernel with frozen weights
    assert not loaded.model.fixed.requires_grad


def test_head_alone_is_trained_beside_the_factors():
    forecaster = adapt(create(), Lora(rank=1), 0)
    names = {name for name, weight in forecaster.model.named_parameters() if weight.requires_grad}
    assert {name for name in names if "lora" not in name} == {"head.weight", "head.bias"}
    merge(forecaster)
    assert forecaster.model.shades.weight.requires_grad


def test_load_of_another_kind_or_without_its_tensors_raises(tmp_path):
    create().save(tmp_path)
    record = json.loads((tmp_path / "forecaster.json").read_text())
    assert record["settings"] == {"kind": "pictures", "sizes": [1, 2]}
    (tmp_path / "model.safetensors").rename(tmp_path / "elsewhere")
    with pytest.raises(WeightsError, match=r"model\.safetensors is missing"):
        Pictures().load(tmp_path, ("one",))
    (tmp_path / "forecaster.json").write_text(json.dumps(record | {"kind": "linear"}))
    with pytest.raises(WeightsError, match="kind linear, not pictures"):
        Pictures().load(tmp_path, ("one",))


def test_load_of_another_network_names_what_is_missing(tmp_path, monkeypatch):
    create().save(tmp_path)
    monkeypatch.setattr(Pictures, "network", lambda self, geometry: torch.nn.Linear(3, 3))
    with pytest.raises(WeightsError, match="does not hold this network"):
        Pictures().load(tmp_path, ("one",))


def test_adapt_leaves_torchs_own_attention_alone():
    forecaster = create()
    forecaster.model.layers.append(torch.nn.TransformerEncoderLayer(4, 2, 8))
    adapt(forecaster, Lora(rank=1), 0)
    adapted = {name.partition(".lora_")[0] for name, _ in forecaster.model.named_parameters() if ".lora_" in name}
    assert adapted == {"layers.0.0"}
