"""GRA-M's own: what is retrieved, and a gate that is no worse than the better of model and memory."""

import itertools

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.modules.attached.forecaster import attached
from motor.backbones.modules.gram import PLUGIN as Gram
from motor.backbones.modules.gram.network import settled
from motor.backbones.training import Trainer, Training, TrainingData
from motor.registry import plugins
from motor.retrieval.memory import Memory, Remembered

CONTEXT, HORIZON, LEVELS = 48, 16, (0.1, 0.5, 0.9)
N_MOTORS = 6
TINY = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}


def chirps(seed: int, n_windows: int) -> np.ndarray:
    """Signs of a sine of one of three frequencies, at any phase: a model of few steps does not learn them."""
    generator = np.random.default_rng([3, seed])
    rate = np.array([0.21, 0.34, 0.55])[generator.integers(3, size=(n_windows, 1))]
    wave = np.sign(np.sin(rate * np.arange(CONTEXT + HORIZON) + generator.uniform(0, 6.28, (n_windows, 1))))
    return (wave + 0.05 * generator.normal(size=wave.shape)).astype(np.float32)


def noise(seed: int, n_windows: int) -> np.ndarray:
    """What no memory and no model can know more of than its mean."""
    return np.random.default_rng([4, seed]).standard_normal((n_windows, CONTEXT + HORIZON)).astype(np.float32)


def batch_of(windows, seed: int, n_windows: int, motor: str | None = None) -> Batch:
    window_BN = windows(seed, n_windows)
    motor_B = np.array([motor or f"m{place % N_MOTORS}" for place in range(n_windows)])
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.zeros(n_windows, np.int64), motor_B=motor_B)


class Motors(TrainingData):
    def __init__(self, windows, holds_out: bool) -> None:
        self.windows, self.holds_out = windows, holds_out

    def batches(self, first_step):
        return (batch_of(self.windows, 1000 + step, 8) for step in itertools.count(first_step))

    def validation(self):
        return [batch_of(self.windows, 500, 64, "held out")] if self.holds_out else None

    def even(self, windows_per_series):
        return [batch_of(self.windows, 600, 24 * windows_per_series)]


def trained(windows, gate: str, holds_out: bool = True):
    series = [Remembered(f"m{place}", one) for place in range(N_MOTORS) for one in windows(place, 40)]
    base = plugins("motor.backbones")["bolt"](**TINY).create(CONTEXT, HORIZON, LEVELS, 0.0, ("one",), 0)
    forecaster = attached(base, [Gram(top_k=5, key_length=48, width=8, gate=gate)])
    forecaster.remember(Memory.of(series))
    settings = Training(num_steps=10, learning_rate=1e-3, validate_every=5, log_every=10)
    forecaster.fit(Motors(windows, holds_out), Trainer(settings, 0, None, lambda row: None))
    return forecaster


def errors(forecaster, windows) -> dict[str, float]:
    """Error over the mean forecast's of the gated forecast, the model and the memory, on a new motor."""
    batch = batch_of(windows, 77, 200, "new")
    said = forecaster.looked_up(batch)[1]
    medians = {
        "gated": forecaster.predict_quantiles(batch)[..., 1],
        "model": forecaster.base.predict_quantiles(batch)[..., 1],
        "memory": said,
    }
    mean_B1 = batch.context_BT.mean(axis=1, keepdims=True)
    of_mean = np.abs(batch.future_BH - mean_B1).mean()
    return {name: float(np.abs(batch.future_BH - one.numpy()).mean() / of_mean) for name, one in medians.items()}


@pytest.mark.parametrize("windows", [chirps, noise])
@pytest.mark.parametrize("holds_out", [True, False])
def test_guarded_gate_is_no_worse_than_the_better_of_model_and_memory(windows, holds_out):
    found = errors(trained(windows, "guarded", holds_out), windows)
    assert found["gated"] <= min(found["model"], found["memory"]) + 0.02


@pytest.mark.parametrize("seed", range(20))
def test_guarded_gate_errs_no_more_than_model_memory_or_the_gate_as_trained(seed):
    generator = torch.Generator().manual_seed(seed)
    apart_R, came_R = (
        torch.randn(2, 60, generator=generator, dtype=torch.float64) ** 5
    )  # far from normal: medians count
    gate_R = torch.rand(60, generator=generator, dtype=torch.float64)
    level, slope = settled(apart_R, gate_R, came_R, is_guarded=True)
    gates = [(level + slope * gate_R).clamp(0, 1), gate_R, torch.zeros(60), torch.ones(60)]
    guarded, *others = ((came_R - one * apart_R).abs().mean() for one in gates)
    assert guarded <= min(others)


def test_plain_gate_is_worse_than_its_own_memory():
    found = errors(trained(chirps, "plain"), chirps)
    assert found["gated"] > found["memory"] + 0.02


def test_windows_are_compared_by_shape_and_a_share_of_value():
    window_BT = torch.as_tensor(chirps(1, 4)[:, :CONTEXT])
    from motor.retrieval.keys import dual, shape

    assert torch.equal(dual(window_BT, 32, 0.0), shape(window_BT, 32))
    louder = dual(3 * window_BT + 2, 32, 0.1) - dual(window_BT, 32, 0.1)
    assert louder[:, :32].abs().max() < 1e-5
    assert (louder[:, 32:] != 0).all()


def test_gate_and_branches_are_told_of_a_forecast():
    forecaster = trained(chirps, "guarded")
    forecast = forecaster.forecast(batch_of(chirps, 77, 9, "new"))
    assert forecast.gate_BN.shape == (9, 2)
    torch.testing.assert_close(forecast.gate_BN.sum(dim=1), torch.ones(9))
    assert [*forecast.branches] == ["model", "memory"]


@pytest.mark.parametrize("domains", [("one",), ("left", "right")])
def test_chronos2_takes_neighbours_as_covariates_as_its_stock_pipeline_does(domains):
    from chronos import Chronos2Pipeline

    from motor.backbones.chronos import domain_mark

    base = plugins("motor.backbones")["chronos2"](**TINY).create(CONTEXT, HORIZON, LEVELS, 0.0, domains, 0)
    forecaster = attached(base, [Gram(top_k=3, key_length=32, width=8, covariates=2)])
    forecaster.remember(Memory.of([Remembered(f"m{place}", one) for place in range(3) for one in chirps(place, 8)]))
    batch = batch_of(chirps, 77, 3, "new")._replace(domain_B=np.arange(3) % len(domains), future_BH=None)
    assert torch.equal(forecaster.predict_quantiles(batch), base.predict_quantiles(batch))
    checked = forecaster._checked(batch)
    past_BRT, future_BRH = torch.randn(3, 2, CONTEXT), torch.randn(3, 2, HORIZON)
    with torch.inference_mode():
        found = base.forecast_beside(checked, HORIZON, past_BRT, future_BRH)
    items = []
    for row in range(3):
        past = {f"n{place}": past_BRT[row, place] for place in range(2)}
        future = {f"n{place}": future_BRH[row, place] for place in range(2)}
        if len(domains) > 1:
            past[domain_mark.COVARIATE_NAME] = base._covariate(checked, -CONTEXT, 0)[row]
            future[domain_mark.COVARIATE_NAME] = base._covariate(checked, 0, HORIZON)[row]
        items.append({"target": checked.context_BT[row], "past_covariates": past, "future_covariates": future})
    stock = torch.cat(Chronos2Pipeline(base.model).predict(items, HORIZON)).transpose(1, 2)
    torch.testing.assert_close(found, stock, atol=1e-5, rtol=0)
    with torch.no_grad():
        forecaster.parts["gram"].beside.fill_(0.1)
    assert not torch.equal(forecaster.predict_quantiles(batch), base.predict_quantiles(batch))
