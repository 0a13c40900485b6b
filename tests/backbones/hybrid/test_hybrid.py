"""Branches under a gate: where they begin, what the gate sees, and what it does with a branch that knows nothing."""

import itertools

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.backbones.hybrid.settings import Hybrid, PtftVssm
from motor.backbones.training import Trainer, Training, TrainingData
from motor.backbones.vssm import PLUGIN as Vssm

CONTEXT, HORIZON, LEVELS, DOMAINS = 64, 16, (0.1, 0.5, 0.9), ("left", "right")
LINEAR = {"settings": {"kind": "linear", "n_lags": 32}}


def sines(number: int, n_windows: int = 32) -> Batch:
    generator = np.random.default_rng([7, number])
    phase_B1 = generator.uniform(0, 6.28, (n_windows, 1))
    window_BN = np.sin(np.arange(CONTEXT + HORIZON) * 0.4 + phase_B1) * 2 + 1
    window_BN = (window_BN + 0.2 * generator.standard_normal(window_BN.shape)).astype(np.float32)
    return Batch(window_BN[:, :CONTEXT], window_BN[:, CONTEXT:], np.arange(n_windows) % 2)


class Sines(TrainingData):
    """Batches of sines, the same each time."""

    def batches(self, first_step):
        return (sines(step) for step in itertools.count(first_step))

    def validation(self):
        return None

    def even(self, windows_per_series):
        return [sines(number) for number in range(3)]


def fitted(settings, num_steps, **training):
    forecaster = settings.create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0)
    asked = {"learning_rate": 1e-2, "dropout_rate": 0.0, "warmup_ratio": 0.0, "precision": "float32", **training}
    forecaster.fit(Sines(), Trainer(Training(num_steps=num_steps, **asked), 3, None, lambda row: None))
    return forecaster


def small():
    tft = {"settings": {"kind": "tft", "patch": 16, "width": 8}}
    vssm = {"settings": {"kind": "vssm", "patch": 16, "width": 8, "n_states": 4}}
    return Hybrid.model_validate({"branches": {"linear": LINEAR, "tft": tft, "vssm": vssm}})


def test_linear_branch_begins_with_the_closed_form_and_is_trained_on():
    settings = small()
    linear = fitted(settings.branches.linear.settings, 0)
    begun, trained = fitted(settings, 0), fitted(settings, 2)
    batch = sines(99)
    said = begun.forecast(batch)
    torch.testing.assert_close(said.branches["linear"], linear.predict_quantiles(batch), atol=1e-5, rtol=0)
    assert not torch.equal(trained.forecast(batch).branches["linear"], said.branches["linear"])


def test_branches_begin_with_fine_tunes_of_their_own():
    settings = small()
    parts = [fitted(branch.settings, 2) for branch in settings.branches.enabled().values()]
    forecaster = settings.create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 1)
    forecaster.begin_with(parts)
    said = forecaster.forecast(sines(99))
    for name, part in zip(settings.branches.enabled(), parts, strict=True):
        expected = part.predict_quantiles(sines(99))
        torch.testing.assert_close(said.branches[name].sort(dim=-1).values, expected, atol=1e-5, rtol=0)


def test_forecast_is_the_gates_mixture_of_the_branches():
    forecaster = fitted(small(), 3)
    said = forecaster.forecast(sines(99))
    parts_BNHQ = torch.stack(list(said.branches.values()), dim=1)
    mixed_BHQ = (said.gate_BN[..., None, None] * parts_BNHQ).sum(dim=1).sort(dim=-1).values
    torch.testing.assert_close(mixed_BHQ, said.quantiles_BHQ, atol=1e-5, rtol=0)


def test_gate_begins_at_the_prior_weights():
    branches = {"linear": LINEAR | {"weight": 2.0}, "tft": {"weight": 1.0}, "vssm": {"enabled": False}}
    settings = Hybrid.model_validate({"branches": branches, "temperature": 0.5})
    gate_BN = settings.create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0).forecast(sines(0)).gate_BN
    torch.testing.assert_close(gate_BN, torch.tensor([[2 / 3, 1 / 3]]).expand(32, 2))


class Zeros(torch.nn.Module):
    """A branch that says nothing."""

    def __init__(self, geometry):
        super().__init__()
        self.shape = geometry.prediction_length, len(geometry.quantile_levels)

    def forward(self, batch):
        return Forecast(batch.context_BT.new_zeros(batch.context_BT.shape[0], *self.shape))


def test_branch_planted_as_zeros_gets_a_twentieth_of_the_gate_at_most(monkeypatch):
    monkeypatch.setattr(Vssm, "network", lambda self, geometry: Zeros(geometry))
    settings = Hybrid.model_validate({"branches": {"linear": LINEAR, "tft": {"enabled": False}}})
    gate_BN = fitted(settings, 150, learning_rate=2e-2).forecast(sines(99)).gate_BN
    assert gate_BN[:, 1].mean() <= 0.05


def test_mixture_in_training_does_not_look_at_the_future_of_a_diffusion_branch():
    diffusion = {"enabled": True, "settings": {"kind": "diffusion", "width": 8, "n_samples": 3, "n_steps": 2}}
    branches = {"linear": LINEAR, "tft": {"enabled": False}, "vssm": {"enabled": False}, "diffusion": diffusion}
    model = Hybrid.model_validate({"branches": branches}).create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0).model
    batch = sines(0).tensors()
    said, other = (model(batch._replace(future_BH=batch.future_BH + more)) for more in (0.0, 3.0))
    assert torch.equal(said.quantiles_BHQ, other.quantiles_BHQ)
    assert said.auxiliary["branch_diffusion"] != other.auxiliary["branch_diffusion"]


def test_gate_of_the_ensemble_of_two_sees_the_regimes_alone():
    settings = PtftVssm()
    forecaster = settings.create(CONTEXT, HORIZON, LEVELS, 0.0, DOMAINS, 0)
    assert list(forecaster.model.branches) == ["tft", "vssm"]
    n_regimes = settings.branches.vssm.settings.n_regimes
    assert forecaster.model.gate.wide.in_features == 2 * n_regimes  # the last patch's, and the mean


@pytest.mark.parametrize(
    ("branches", "why"),
    [
        ({"tft": {"enabled": False}, "vssm": {"enabled": False}}, "two branches or more, but linear is enabled"),
        ({"tft": {"settings": {"kind": "tft", "patch": 32}}}, "tft 32, vssm 64"),
    ],
)
def test_branches_that_cannot_be_weighed_are_a_fault(branches, why):
    with pytest.raises(ValidationError, match=why):
        Hybrid.model_validate({"branches": branches})


def test_ensemble_of_two_without_regimes_is_a_fault():
    with pytest.raises(ValidationError, match="fed by the regimes"):
        PtftVssm.model_validate({"branches": {"vssm": {"enabled": False}, "linear": {"enabled": True}}})
