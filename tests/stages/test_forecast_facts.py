"""Facts of forecasts: by hand, beside an independent reference, and with gates and regimes that are planted."""

import numpy as np
import pandas as pd
import pytest
import torch

from motor.backbones.batch import Batch
from motor.backbones.forecast import Forecast
from motor.stages.forecast_facts import facts_of, followed_by_regimes, window_facts
from motor.stages.forecasts import worst_cases

LEVELS = np.array([0.1, 0.5, 0.9])
ERRORS = dict.fromkeys(("error", "mean_error", "cover", "crps", "bias", "square", "spread", "spread_came", "mape"), 1.0)
ERRORS |= {"crps_equal_weights": 1.0, "error_tft": 1.0, "crps_tft": 1.0, "regime": 0}


@pytest.fixture
def windows():
    """Noise of deviation 2 about 5, and forecasts that know both."""
    generator = np.random.default_rng(0)
    context_BT, y_BH = (5 + 2 * generator.normal(size=(400, n)) for n in (64, 16))
    quantiles_BHQ = np.broadcast_to(5 + 2 * np.array([-1.2816, 0.0, 1.2816]), (400, 16, 3)).copy()
    return y_BH, context_BT, quantiles_BHQ


def named(columns, label="normal"):
    return pd.DataFrame(columns).assign(domain="rig", label=label, speed_rpm=np.nan)


def test_facts_are_those_of_the_forecasts(windows, scoringrules):
    y_BH, context_BT, quantiles_BHQ = windows
    told = facts_of(
        named(window_facts(Batch(context_BT, y_BH, None), Forecast(torch.tensor(quantiles_BHQ)), LEVELS, False)), LEVELS
    )
    (row,) = told["classes"]
    assert told["nominal"] == pytest.approx(0.8)
    assert told["follow"] == {}
    assert row["cover"] == pytest.approx(0.8, abs=0.02)
    assert row["relative_error"] == pytest.approx(1.0, abs=0.02)
    assert row["std_ratio"] == 0.0
    assert abs(row["bias"]) < 0.05
    scale_B1 = context_BT.std(axis=1, keepdims=True)
    expected = scoringrules.crps_quantile(y_BH / scale_B1, quantiles_BHQ / scale_B1[..., None], LEVELS)
    assert row["crps"] == pytest.approx(np.mean(expected))
    assert row["rmse"] == pytest.approx(np.sqrt(np.mean(((y_BH - 5) / scale_B1) ** 2)))
    assert row["mape"] == pytest.approx(np.mean(np.abs((y_BH - 5) / y_BH)))
    assert set(row) == {
        "domain",
        "label",
        "n_windows",
        "relative_error",
        "cover",
        "crps",
        "bias",
        "rmse",
        "mape",
        "std_ratio",
    }


def test_gate_is_compared_with_the_mean_of_its_branches(windows):
    y_BH, context_BT, quantiles_BHQ = windows
    right, wrong = (torch.tensor(quantiles_BHQ), torch.tensor(quantiles_BHQ + 4))
    gate_BN = torch.tensor([[0.9, 0.1]]).repeat(400, 1)
    mixed = 0.9 * right + 0.1 * wrong
    said = Forecast(mixed, gate_BN=gate_BN, branches={"good": right, "bad": wrong})
    table = window_facts(Batch(context_BT, y_BH, None), said, LEVELS, True)
    (row,) = facts_of(named(table), LEVELS)["classes"]
    assert row["branches"]["good"]["weight"] == pytest.approx(0.9)
    assert row["branches"]["good"]["crps"] < row["crps"] < row["crps_equal_weights"] < row["branches"]["bad"]["crps"]
    assert row["branches"]["bad"]["relative_error"] > 2


@pytest.mark.parametrize("followed", ["label", "speed"])
def test_regimes_follow_what_they_were_planted_on(followed):
    generator = np.random.default_rng(1)
    label, speed = generator.integers(0, 3, 600), generator.uniform(800, 1600, 600)
    regime = {"label": label, "speed": np.digitize(speed, [1066, 1333])}[followed]
    told = followed_by_regimes(pd.DataFrame({"regime": regime, "label": label, "speed_rpm": speed}))
    other = {"label": "speed", "speed": "label"}[followed]
    assert told[followed] > 0.9
    assert abs(told[other]) < 0.05
    assert followed_by_regimes(pd.DataFrame({"regime": regime, "label": 0, "speed_rpm": 1000.0})) == {
        "label": None,
        "speed": None,
    }


def test_gate_and_regimes_stand_by_class_and_third_of_the_speeds():
    rows = pd.DataFrame({"label": ["a"] * 6, "speed_rpm": [600.0, 610, 900, 910, 1200, 1210], "domain": "rig"})
    gate = [1.0, 0.8, 0.5, 0.5, 0.0, 0.2]
    told = facts_of(rows.assign(gate_tft=gate, regime_0=gate, regime_1=1 - np.array(gate), **ERRORS), LEVELS)
    assert [row["speed_rpm"] for row in told["by_speed"]] == [605.0, 905.0, 1205.0]
    assert [row["gate"]["tft"] for row in told["by_speed"]] == pytest.approx([0.9, 0.5, 0.1])
    assert [row["regimes"] for row in told["by_speed"]] == [pytest.approx([one, 1 - one]) for one in (0.9, 0.5, 0.1)]
    (unknown,) = facts_of(rows.assign(regime_0=gate, speed_rpm=np.nan, **ERRORS), LEVELS)["by_speed"]
    assert (unknown["speed_rpm"], unknown["n_windows"]) == (None, 6)


def test_worst_windows_are_told_with_regimes_and_gate():
    generator = np.random.default_rng(3)
    context_BT, y_BH = generator.normal(size=(2, 2000)), generator.normal(size=(2, 3))
    names, quantiles = np.array(["m1", "m2"]), torch.randn(2, 3, 3).sort(dim=-1).values
    batch = Batch(context_BT, y_BH, np.zeros(2), item_B=names, motor_B=names, start_B=np.array([0, 500]))
    regimes, gate = (torch.rand(2, *shape).softmax(dim=-1) for shape in ((4, 2), (2,)))
    branches = {"tft": quantiles, "vssm": quantiles}
    said = Forecast(quantiles, tuple(LEVELS), regimes_BLK=regimes, gate_BN=gate, branches=branches)
    told = worst_cases(None, batch, ["normal", "inner"], said, [100.0, 100.0])[1]
    assert (told["motor"], told["second"], told["neighbours"]) == ("m2", 5.0, [])
    assert len(told["past"]) == 1024
    np.testing.assert_allclose(told["regimes"], regimes[1], rtol=1e-3)
    assert list(told["gate"]) == ["tft", "vssm"]
    np.testing.assert_allclose([told["low"], told["forecast"], told["high"]], quantiles[1].T, rtol=1e-3)
