"""The linear forecast beside a transformer: what it is worth, and what it leaves to the encoder."""

import itertools

import numpy as np
import torch

from motor.backbones.batch import Batch
from motor.backbones.forecast import loc_scale
from motor.backbones.tft.settings import Tft
from motor.backbones.training import Trainer, Training, TrainingData

CONTEXT, HORIZON, LEVELS, DOMAINS = 64, 16, (0.1, 0.5, 0.9), ("left", "right")
SMALL = {"patch": 16, "width": 8}


def tones(number: int, n_windows: int = 32, amplitude: float = 1.0) -> Batch:
    """Return windows of a tone of any frequency in noise, which samples tell more of than patches do."""
    generator = np.random.default_rng([11, number])
    phase_B1, step_B1 = generator.uniform(0, 6.28, (n_windows, 1)), generator.uniform(0.7, 0.9, (n_windows, 1))
    window_BN = amplitude * np.sin(np.arange(CONTEXT + HORIZON) * step_B1 + phase_B1)
    window_BN = (window_BN + 0.2 * generator.standard_normal(window_BN.shape)).astype(np.float32)
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.arange(n_windows) % 2)


class Tones(TrainingData):
    """Batches of tones, the same each time."""

    def batches(self, first_step):
        return (tones(step) for step in itertools.count(first_step))

    def validation(self):
        return None

    def even(self, windows_per_series):
        return []


def fitted(settings, num_steps=150):
    forecaster = settings.create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0)
    asked = {"learning_rate": 5e-3, "dropout_rate": 0.0, "warmup_ratio": 0.0, "precision": "float32"}
    forecaster.fit(Tones(), Trainer(Training(num_steps=num_steps, **asked), 3, None, lambda row: None))
    return forecaster


def error(forecaster, batch):
    median_BH = forecaster.predict_quantiles(batch._replace(future_BH=None))[..., 1]
    return float((median_BH - torch.as_tensor(batch.future_BH)).abs().mean())


def test_linear_skip_forecasts_what_patches_do_not_tell():
    batch = tones(10**6, 256)
    assert error(fitted(Tft(**SMALL, linear_skip=True)), batch) < 0.8 * error(fitted(Tft(**SMALL)), batch)


def test_linear_skip_leaves_the_encoder_to_a_loss_of_its_own():
    forecaster = Tft(**SMALL, linear_skip=True).create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0)
    forecast = forecaster.forecast(tones(0))
    assert forecast.auxiliary is None
    network = forecaster.model.train()
    said = network(tones(0).tensors())
    said.quantiles_BHQ.square().sum().backward()
    assert all(weight.grad is None for weight in [*network.inputs.parameters(), *network.head.parameters()])
    assert network.linear.weight_HT.grad.abs().sum() > 0
    said.auxiliary["encoder"].backward()
    assert all(weight.grad is not None for weight in network.head.parameters())


def test_linear_skip_is_nothing_before_it_has_learned_and_sees_the_end_of_a_shorter_context():
    network = Tft(**SMALL, linear_skip=True).create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0).model
    weight_HT = network.linear.weight_HT
    assert not weight_HT.any()
    with torch.no_grad():
        weight_HT.normal_()
    context_BT, places_BFD = torch.randn(3, CONTEXT), torch.randn(3, 1, SMALL["width"])
    context_BT[:, : CONTEXT // 2] = 0.0
    whole, end = (network.linear(part, places_BFD) for part in (context_BT, context_BT[:, CONTEXT // 2 :]))
    torch.testing.assert_close(whole, end)


def test_linear_skip_is_saved_and_loaded(tmp_path):
    forecaster = fitted(Tft(**SMALL, linear_skip=True), 3)
    forecaster.save(tmp_path)
    loaded = Tft().load(tmp_path, DOMAINS)
    assert torch.equal(loaded.predict_quantiles(tones(1)), forecaster.predict_quantiles(tones(1)))


def test_record_has_no_word_of_a_linear_skip_that_is_not_there():
    assert "linear_skip" not in Tft().model_dump()
    assert Tft(linear_skip=True).model_dump()["linear_skip"]


def test_embedding_has_what_the_horizon_became_beside_each_patch():
    forecaster, batch = Tft(**SMALL).create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0), tones(0)
    both_BLD = forecaster.embed(batch)
    forecaster.model.embedding = "context"
    past_BLD, future_BLD = both_BLD.split(SMALL["width"], dim=-1)
    assert torch.equal(past_BLD, forecaster.embed(batch))
    assert future_BLD.std(dim=1, correction=0).max() == 0
    with torch.no_grad():
        steps_BPQ = forecaster.model.head(future_BLD[:, 0].clone()).unflatten(-1, (HORIZON, len(LEVELS)))
    loc_B1, scale_B1 = loc_scale(torch.as_tensor(batch.context_BT))
    forecast_BHQ = steps_BPQ.sort(dim=-1).values * scale_B1[..., None] + loc_B1[..., None]
    torch.testing.assert_close(forecast_BHQ, forecaster.predict_quantiles(batch))
