"""Weights whose head is shorter than the asked horizon, and contexts longer than the weights'."""

import json

import numpy as np
import pytest
import torch

from motor.backbones.batch import Batch

LONG = 96  # against a head of 32


@pytest.fixture
def short(create, backbone, domains, tmp_path):
    forecaster = create(backbone, domains, horizon=32)
    forecaster.save(tmp_path / "short")
    return forecaster


@pytest.fixture
def lengthen(create, backbone, domains, short, tmp_path):
    def lengthen(how, **asked):
        changed = backbone.model_copy(update={"weights": str(tmp_path / "short"), "horizon": how})
        return create(changed, domains, **({"horizon": LONG} | asked))

    return lengthen


def test_resize_starts_from_the_old_head(lengthen, short, windows, kind):
    resized = lengthen("resize")
    context, _, domain = windows
    long, first = (
        resized.predict_quantiles(Batch(context, None, domain)),
        short.predict_quantiles(Batch(context, None, domain)),
    )
    assert (resized.horizon_method, resized.native_length) == ("resized", LONG)
    assert long.shape[1] == LONG
    if kind == "bolt":  # the new steps are the old ones again; Chronos-2 forecasts them afresh with the same head
        torch.testing.assert_close(long, first.repeat(1, 3, 1), atol=1e-6, rtol=0)


def test_resize_folder_is_stock(lengthen, windows, names, tmp_path, sorted_stock_forecast):
    resized = lengthen("resize")
    resized.save(tmp_path / "long")
    context, _, domain = windows
    expected = sorted_stock_forecast(tmp_path / "long", resized, context, names)
    np.testing.assert_allclose(resized.predict_quantiles(Batch(context, None, domain)), expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:We recommend keeping prediction length")
def test_roll_out_equals_the_stock_pipelines(lengthen, windows, names, tmp_path, backbone, sorted_stock_forecast):
    rolled = lengthen("roll_out")
    rolled.save(tmp_path / "rolled")
    context, _, domain = windows
    state = torch.get_rng_state()
    forecast = backbone.load(tmp_path / "rolled", rolled.domains).predict_quantiles(Batch(context, None, domain))
    assert torch.equal(torch.get_rng_state(), state)
    assert (rolled.horizon_method, rolled.native_length) == ("rolled_out", 32)
    expected = sorted_stock_forecast(tmp_path / "rolled", rolled, context, names, LONG)
    np.testing.assert_allclose(forecast, expected, atol=1e-5)


def test_roll_out_trains_on_what_one_pass_reaches(lengthen, windows):
    rolled = lengthen("roll_out")
    context, _, domain = windows
    future = torch.randn(5, LONG)
    assert rolled.loss(Batch(context, future, domain)) == rolled.loss(Batch(context, future[:, :32], domain))
    assert rolled.predict_one_pass(Batch(context, None, domain)).shape[1] == 32


def test_shorter_horizon_keeps_the_head(lengthen, short, windows, kind):
    context, _, domain = windows
    cropped = lengthen("resize", horizon=10)
    assert (cropped.horizon_method, cropped.prediction_length, cropped.native_length) == ("native", 10, 32)
    forecast = cropped.predict_quantiles(Batch(context, None, domain))
    assert forecast.shape == (5, 10, 3)
    if kind == "bolt":  # Chronos-2's forecast depends a little on how many patches follow
        assert torch.equal(forecast, short.predict_quantiles(Batch(context, None, domain))[:, :10])


def test_longer_context_keeps_the_time_scale(lengthen, tmp_path):
    forecaster = lengthen("resize", context=256)
    forecaster.save(tmp_path / "long")
    saved = json.loads((tmp_path / "long" / "config.json").read_text())["chronos_config"]
    assert saved["context_length"] == forecaster.context_length == 256
    assert saved.get("time_encoding_scale", 8192) == 8192


def test_missing_time_scale_is_the_old_context(create, backbone, kind, tmp_path):
    create(backbone).save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["chronos_config"].pop("time_encoding_scale", None)
    (tmp_path / "config.json").write_text(json.dumps(config))
    longer = create(backbone.model_copy(update={"weights": str(tmp_path)}), context=256)
    if kind == "chronos2":
        assert longer.model.chronos_config.time_encoding_scale == 64
    assert longer.context_length == 256


@pytest.mark.parametrize(("context", "patches"), [(2048, 128), (8192, 512)])
def test_full_size_is_one_pass_over_the_whole_context(create, backbone, kind, context, patches):
    forecaster = create(backbone, context=context, horizon=1024)
    n_tokens = patches + (2 if kind == "chronos2" else 1)
    zero = torch.zeros(1, dtype=torch.long)
    assert forecaster.n_tokens(context) == n_tokens
    assert forecaster.embed(Batch(torch.randn(1, context), None, zero)).shape[1] == n_tokens
    assert forecaster.predict_quantiles(Batch(torch.randn(1, context), None, zero)).shape == (1, 1024, 3)


def test_context_of_odd_length_is_padded_as_stock(create, backbone, stock, tmp_path):
    forecaster = create(backbone, context=61, horizon=7)
    forecaster.save(tmp_path)
    context = torch.randn(3, 61)
    embedding = forecaster.embed(Batch(context, None, torch.zeros(3, dtype=torch.long)))
    np.testing.assert_allclose(embedding, stock.embed(tmp_path, context.numpy(), ["one"] * 3), atol=1e-5)
