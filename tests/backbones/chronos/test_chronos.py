"""What every backbone in the folder must do; a new one is tested by being there."""

import math

import numpy as np
import pytest
import torch
from chronos import BaseChronosPipeline

from motor.backbones.batch import Batch
from motor.backbones.weights import WeightsError


def weights_of(forecaster):
    return torch.cat([weight.detach().flatten() for weight in forecaster.model.parameters()])


def test_create_same_seed_gives_same_weights_whatever_the_global_state(create, backbone):
    torch.manual_seed(1)
    first = weights_of(create(backbone))
    torch.manual_seed(2)
    before = torch.get_rng_state()
    assert torch.equal(weights_of(create(backbone)), first)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(weights_of(create(backbone, seed=1)), first)


def test_create_attributes_say_what_was_asked(create, backbone):
    forecaster = create(backbone, ("a", "b"), context=96, horizon=40)
    assert (forecaster.context_length, forecaster.prediction_length) == (96, 40)
    assert (forecaster.quantile_levels, forecaster.domains) == ((0.1, 0.5, 0.9), ("a", "b"))
    assert forecaster.horizon_method == "native"
    assert forecaster.native_length >= 40
    assert not forecaster.model.training


@pytest.mark.parametrize(
    ("levels", "message"), [((0.123, 0.5), r"\[0.123\] are not the model's"), ((0.1, 0.9), "lack the median")]
)
def test_create_wrong_quantile_levels_raises(create, backbone, levels, message):
    with pytest.raises(ValueError, match=message):
        create(backbone, levels=levels)


def test_loss_equals_pinball_loss_of_stock_forecast(forecaster, windows, names, saved, stock):
    context, future, domain = windows
    forecaster.model.eval()
    own = list(forecaster.model_levels)
    quantiles = stock.forecast(saved, context.numpy(), names, future.shape[1], own)
    seen = stock_view(forecaster, context, domain)
    loc, scale = np.nanmean(seen, axis=1)[:, None], np.nanstd(seen, axis=1)[:, None]
    normal = np.arcsinh if stock.is_chronos2(saved) else np.asarray
    y = normal((future.numpy() - loc) / scale)[..., None]
    q = normal((quantiles - loc[..., None]) / scale[..., None])
    expected = 2 * np.maximum(np.array(own) * (y - q), (np.array(own) - 1) * (y - q)).mean()
    assert forecaster.loss(Batch(context, future, domain)).item() == pytest.approx(expected, abs=1e-5)


def stock_view(forecaster, context, domain):
    """The context as the model's normalisation sees it."""
    marked = context.clone().numpy()
    if forecaster.is_told and forecaster.domain_recipe()["means"].startswith("one missing"):
        positions = list(forecaster.domain_recipe()["missing_position"].values())
        for row, which in zip(marked, domain.tolist(), strict=True):
            row[positions[which] :: forecaster.patch] = np.nan
    return marked


def test_loss_missing_future_has_no_gradient_and_no_weight(forecaster, windows):
    context, future, domain = windows
    future[:, 5:] = torch.nan
    short = forecaster.loss(Batch(context, future, domain))
    assert math.isfinite(short.item())
    whole = forecaster.loss(Batch(context, future.nan_to_num(), domain))
    assert short < whole
    future[:] = torch.nan
    assert forecaster.loss(Batch(context, future, domain)).item() == 0


def test_loss_missing_context_is_finite_and_is_not_zero_filling(forecaster, windows):
    context, future, domain = windows
    context[:, 20:30] = torch.nan
    loss = forecaster.loss(Batch(context, future, domain))
    loss.backward()
    assert loss.isfinite()
    assert loss.item() != forecaster.loss(Batch(context.nan_to_num(), future, domain)).item()


def test_loss_leaves_its_inputs_as_they_were(forecaster, windows):
    copies = [part.clone() for part in windows]
    forecaster.loss(Batch(*windows))
    forecaster.predict_quantiles(Batch(windows[0], None, windows[2]))
    assert all(torch.equal(part, copy) for part, copy in zip(windows, copies, strict=True))


def test_predict_quantiles_equals_stock_forecast_sorted(forecaster, windows, names, saved, sorted_stock_forecast):
    context, _, domain = windows
    quantiles = forecaster.predict_quantiles(Batch(context, None, domain))
    assert quantiles.shape == (5, forecaster.prediction_length, 3)
    assert quantiles.dtype == torch.float32
    assert (quantiles.diff(dim=-1) >= 0).all()
    np.testing.assert_allclose(quantiles, sorted_stock_forecast(saved, forecaster, context, names), atol=1e-5)


def test_embed_equals_stock_embedding(forecaster, windows, names, saved, stock):
    context, _, domain = windows
    embedding = forecaster.embed(Batch(context, None, domain))
    assert embedding.shape == (5, forecaster.n_tokens(context.shape[1]), 16)
    np.testing.assert_allclose(embedding, stock.embed(saved, context.numpy(), names), atol=1e-5)


def test_embed_and_predict_are_independent_of_the_batch(forecaster, windows):
    context, _, domain = windows
    for call in (forecaster.embed, forecaster.predict_quantiles):
        alone = torch.cat([call(Batch(context[i : i + 1], None, domain[i : i + 1])) for i in range(len(context))])
        torch.testing.assert_close(call(Batch(context, None, domain)), alone, atol=1e-5, rtol=0)


def test_embed_and_predict_told_another_domain_differ(create, backbone, windows):
    forecaster = create(backbone, ("a", "b"))
    zeros = torch.zeros(5, dtype=torch.long)
    for call in (forecaster.embed, forecaster.predict_quantiles):
        assert (call(Batch(windows[0], None, zeros)) - call(Batch(windows[0], None, zeros + 1))).abs().max() > 1e-6


def test_embed_and_predict_in_training_mode_raise(forecaster, windows):
    forecaster.model.train()
    for call in (forecaster.embed, forecaster.predict_quantiles):
        with pytest.raises(RuntimeError, match="training mode"):
            call(Batch(windows[0], None, windows[2]))


def test_embed_and_predict_other_number_of_tokens_raise(forecaster, windows):
    forecaster.n_tokens = forecaster._context_tokens = lambda context_length: 3
    for call in (forecaster.embed, forecaster.predict_quantiles):
        with pytest.raises(RuntimeError, match="the encoder saw"):
            call(Batch(windows[0], None, windows[2]))


def test_context_longer_than_the_models_raises(forecaster):
    with pytest.raises(ValueError, match="at most context_length = 64"):
        forecaster.embed(Batch(torch.zeros(2, 80), None, torch.zeros(2, dtype=torch.long)))


def test_domain_out_of_range_raises(create, backbone, windows):
    with pytest.raises(ValueError, match="the domains are 0 to 1"):
        create(backbone, ("a", "b")).loss(Batch(windows[0], windows[1], torch.full((5,), 2)))


def test_predict_quantiles_broken_weights_raise(forecaster, windows):
    torch.nn.init.constant_(forecaster.model.output_patch_embedding.output_layer.bias, torch.inf)
    with pytest.raises(ValueError, match="not finite for 5 of 5 windows"):
        forecaster.predict_quantiles(Batch(windows[0], None, windows[2]))


def test_load_gives_back_what_was_saved(forecaster, backbone, domains, windows, saved):
    loaded = backbone.load(saved, domains)
    batch = Batch(*windows)
    for call in ("embed", "predict_quantiles"):
        assert torch.equal(getattr(loaded, call)(batch), getattr(forecaster, call)(batch))
    for name in ("context_length", "prediction_length", "quantile_levels", "horizon_method", "domains"):
        assert getattr(loaded, name) == getattr(forecaster, name)


def test_load_other_domains_raises(backbone, saved):
    with pytest.raises(WeightsError, match="was trained on the domains"):
        backbone.load(saved, ("x", "y"))


def test_save_writes_what_stock_code_needs(forecaster, saved, capfd):
    pipeline = BaseChronosPipeline.from_pretrained(saved)
    assert pipeline.model_context_length == forecaster.context_length
    assert pipeline.model_prediction_length == forecaster.native_length
    assert all(weight.dtype == torch.float32 for weight in pipeline.model.parameters())
    assert (saved / "domain_mark.json").is_file() == forecaster.is_told


def test_create_from_saved_folder_keeps_the_weights(create, backbone, forecaster, saved, domains):
    again = create(backbone.model_copy(update={"weights": str(saved)}), domains, seed=5)
    assert torch.equal(weights_of(again), weights_of(forecaster))
    assert again.horizon_method == "native"


def test_train_only_last_leaves_blocks_head_and_norm(create, backbone):
    forecaster = create(backbone).train_only_last(1)
    trained = {name for name, weight in forecaster.model.named_parameters() if weight.requires_grad}
    assert {name.split(".")[2] for name in trained if name.startswith("encoder.block")} == {"1"}
    assert {"encoder.final_layer_norm.weight", "output_patch_embedding.output_layer.weight"} <= trained
    assert not any(name.startswith(("shared", "input_patch_embedding")) for name in trained)
    with pytest.raises(ValueError, match="this model has 2"):
        forecaster.train_only_last(3)


def test_set_dropout_reaches_every_layer(create, backbone, windows):
    forecaster = create(backbone, dropout=0.5)
    forecaster.model.train()
    context, future, domain = windows[0], windows[1], torch.zeros(5, dtype=torch.long)
    assert forecaster.loss(Batch(context, future, domain)) != forecaster.loss(Batch(context, future, domain))
    forecaster.set_dropout(0.0)
    assert forecaster.loss(Batch(context, future, domain)) == forecaster.loss(Batch(context, future, domain))


def test_settings_weights_are_not_in_the_record(backbone):
    assert "weights" not in backbone.model_copy(update={"weights": "somewhere"}).model_dump()
