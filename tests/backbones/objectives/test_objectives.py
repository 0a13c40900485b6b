"""What every objective keeps to, and the values of those that are shipped."""

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.chronos import Bolt
from motor.backbones.forecast import Forecast
from motor.backbones.forecaster import sum_of
from motor.backbones.training import Training
from motor.registry import plugins

OBJECTIVES = plugins("motor.backbones.objectives")
LEVELS = (0.1, 0.5, 0.9)
TINY = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2}


@pytest.fixture(params=sorted(OBJECTIVES))
def objective(request):
    return OBJECTIVES[request.param]()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    context_BT = 3 * torch.randn(6, 32, generator=generator) + 1
    future_BH = torch.randn(6, 8, generator=generator)
    future_BH[2, 3:5] = torch.nan
    return Batch(context_BT, future_BH, torch.zeros(6, dtype=torch.long))


@pytest.fixture
def forecast():
    generator = torch.Generator().manual_seed(4)
    quantiles_BHQ = torch.randn(6, 8, 3, generator=generator).requires_grad_()
    regimes_BLK = torch.randn(6, 4, 3, generator=generator).softmax(dim=-1).requires_grad_()
    return Forecast(quantiles_BHQ, LEVELS, regimes_BLK=regimes_BLK)


def part(forecast, batch, rows):
    parts = {"quantiles_BHQ": forecast.quantiles_BHQ[rows], "regimes_BLK": forecast.regimes_BLK[rows]}
    return forecast._replace(**parts), batch.rows(rows)


def test_objective_of_parts_adds_up_to_that_of_the_whole(objective, forecast, batch):
    whole = objective.value(forecast, batch).item()
    shares = [objective.value(*part(forecast, batch, rows)).item() for rows in (slice(0, 2), slice(2, 6))]
    assert whole == pytest.approx((2 * shares[0] + 4 * shares[1]) / 6, rel=1e-5)


def test_objective_of_missing_futures_is_0_and_has_a_finite_gradient(objective, forecast, batch):
    objective.value(forecast, batch).backward()
    gradient = (forecast.regimes_BLK if objective.needs else forecast.quantiles_BHQ).grad
    assert gradient.isfinite().all()
    assert gradient.any()
    assert objective.needs or not gradient[2, 3:5].any()
    assert objective.value(forecast, batch._replace(future_BH=batch.future_BH * torch.nan)) == 0


def test_objective_knows_no_unit(objective, forecast, batch):
    value = objective.value(forecast, batch).item()
    loud = batch._replace(context_BT=10 * batch.context_BT, future_BH=10 * batch.future_BH)
    louder = forecast._replace(quantiles_BHQ=10 * forecast.quantiles_BHQ)
    assert objective.value(louder, loud).item() == pytest.approx(value, rel=1e-5)


def reference(kind, forecast, batch):
    """The formulas in NumPy, in float64."""
    quantiles, y = forecast.quantiles_BHQ.detach().double().numpy(), batch.future_BH.double().numpy()
    context = batch.context_BT.double().numpy()
    loc, scale = context.mean(axis=1)[:, None], context.std(axis=1)[:, None]
    error = np.nan_to_num((y - quantiles[..., 1]) / scale)
    miss, levels = np.nan_to_num((y[..., None] - quantiles) / scale[..., None]), np.array(LEVELS)
    pinball = np.where(miss >= 0, levels * miss, (levels - 1) * miss)
    if kind in (simple := {"mse": (error**2).mean(), "mae": np.abs(error).mean(), "quantile": 2 * pinball.mean()}):
        return simple[kind]
    regimes = forecast.regimes_BLK.detach().double().numpy()
    rows = zip((y - loc) / scale, (quantiles[..., 1] - loc) / scale, regimes, strict=True)
    return np.mean([of_window(kind, *row) for row in rows])


def of_window(kind, y, median, regimes):
    """The formulas for one window, on the samples that are there."""
    if kind == "regime":
        return -(regimes * np.log(regimes)).sum(axis=1).mean() / np.log(3)
    if kind == "direction":
        steps = np.nan_to_num(np.log1p(np.exp(-np.sign(np.diff(y)) * np.diff(median))))
        return steps.mean()
    there = ~np.isnan(y)
    if kind == "extremes":
        y, median = np.where(there, y, 0), np.where(there, median, 0)
        return ((y.max() - median.max()) ** 2 + (y.min() - median.min()) ** 2) / 2
    y, median = y[there], median[there]
    gained = np.tanh(median) * y
    if kind == "drawdown":
        wealth = np.cumsum(gained)
        return (np.maximum(np.maximum.accumulate(wealth), 0) - wealth).max() / len(there)
    return {
        "mean": (y.mean() - median.mean()) ** 2,
        "volatility": (y.std() - median.std()) ** 2,
        "sharpe": -gained.mean() / gained.std(),
    }[kind]


@pytest.mark.parametrize("kind", sorted(OBJECTIVES))
def test_objective_equals_its_formula(kind, forecast, batch):
    assert OBJECTIVES[kind]().value(forecast, batch).item() == pytest.approx(reference(kind, forecast, batch), abs=1e-6)


def test_objective_that_takes_what_a_forecast_has_not_says_so(forecast, batch):
    with pytest.raises(ValueError, match="choose vssm"):
        OBJECTIVES["regime"]().value(forecast._replace(regimes_BLK=None), batch)


def test_quantile_of_a_model_that_computes_it_is_the_models_own():
    forecaster = Bolt(**TINY).create(32, 8, LEVELS, 0.0, ("one",), 0)
    context_BT, future_BH = torch.randn(4, 32), torch.randn(4, 8)
    own = forecaster.model(context=context_BT, target=future_BH.clone()).loss / 8
    assert torch.equal(forecaster.loss(Batch(context_BT, future_BH, torch.zeros(4))), own)


def test_losses_are_the_weighted_sum_and_take_in_the_forecasters_own(batch):
    forecaster = Bolt(**TINY).create(32, 8, LEVELS, 0.0, ("one",), 0)
    objectives = Training(objective=[{"kind": "quantile"}, {"kind": "mse", "weight": 0.5}]).objective
    alone = {name: value for name, (_, value) in forecaster.losses(batch, objectives).items()}
    assert list(alone) == ["quantile", "mse"]
    assert torch.equal(forecaster.loss(batch, objectives), alone["quantile"] + 0.5 * alone["mse"])
    plain = forecaster._pass
    forecaster._pass = lambda *given: plain(*given)._replace(auxiliary={"balance": torch.tensor(2.0)})
    losses = forecaster.losses(batch, objectives)
    assert list(losses) == ["quantile", "mse", "balance"]
    assert sum_of(losses).item() == pytest.approx((alone["quantile"] + 0.5 * alone["mse"]).item() + 2.0)
    with pytest.raises(ValueError, match="has no loss; give future_BH"):
        forecaster.losses(batch._replace(future_BH=None))


@pytest.mark.parametrize(
    ("objective", "message"),
    [([], "at least 1"), ([{"kind": "mse"}, {"kind": "mse"}], "'mse' is given 2 times"), ({"kind": "no"}, "no")],
)
def test_training_objective_at_fault_raises(objective, message):
    with pytest.raises(ValueError, match=message):
        Training(objective=objective)


def test_training_default_objective_is_in_no_record_and_another_is():
    assert "objective" not in Training().model_dump()
    assert "objective" not in Training(objective={"kind": "quantile"}).model_dump()
    other = Training(objective=({"kind": "quantile", "weight": 2.0},))
    assert Training.from_record(other.model_dump(mode="json")) == other
    assert Training.from_record(Training().model_dump(mode="json")) == Training()
