import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from motor.backbones.batch import Batch
from motor.backbones.linear import Linear
from motor.backbones.torch_forecaster import TorchBackbone
from motor.backbones.training import validate
from motor.backbones.weights import WeightsError
from motor.registry import choice

LEVELS = (0.1, 0.5, 0.9)
T, H = 64, 8


def second_order(n_windows: int, first: float, second: float, seed: int = 0, n_samples: int = T + H) -> np.ndarray:
    """Windows of y_t = first * y_(t-1) + second * y_(t-2) + noise of deviation 1."""
    noise = np.random.default_rng(seed).normal(size=(n_samples + 200, n_windows))
    y = np.zeros_like(noise)
    for t in range(2, len(y)):
        y[t] = first * y[t - 1] + second * y[t - 2] + noise[t]
    return y[200:].T.astype(np.float32)


def batches(windows: np.ndarray, domain: np.ndarray | None = None, size: int = 50, context: int = T):
    """What `fit` takes: a callable that starts anew each time."""
    domain = np.zeros(len(windows), dtype=np.int64) if domain is None else domain
    starts = range(0, len(windows), size)
    parts = [slice(start, start + size) for start in starts]
    return lambda: (Batch(windows[part, :context], windows[part, context:], domain[part]) for part in parts)


def create(settings: Linear, domains=("one",), context: int = T, horizon: int = H, levels=LEVELS):
    return settings.create(context, horizon, levels, 0.1, domains, 0)


def forecast(forecaster, windows: np.ndarray, domain: int = 0) -> np.ndarray:
    context = torch.as_tensor(windows[:, : forecaster.context_length])
    return forecaster.predict_quantiles(Batch(context, None, torch.full((len(windows),), domain))).numpy()


def test_fit_agrees_with_scikit_learns_ridge():
    windows = second_order(200, 0.5, 0.2)
    forecaster = create(Linear(n_lags=16, penalty=0.01, n_origins=1))
    assert forecaster.solve(batches(windows)) == {"n_windows": 200, "n_rows": 200}
    loc, scale = windows[:, :T].mean(axis=1, keepdims=True), windows[:, :T].std(axis=1, keepdims=True)
    scaled = (windows - loc) / scale
    reference = Ridge(alpha=0.01 * 200).fit(scaled[:, T - 16 : T], scaled[:, T:])
    point = reference.predict(scaled[:, T - 16 : T])
    expected = point + np.median(scaled[:, T:] - point, axis=0)
    np.testing.assert_allclose(forecast(forecaster, windows)[..., 1], expected * scale + loc, atol=0.03)
    np.testing.assert_allclose(forecaster.model["coefficient_NLH"][0, :-1], reference.coef_.T, atol=1e-5)
    np.testing.assert_allclose(forecaster.model["coefficient_NLH"][0, -1], reference.intercept_, atol=1e-5)


def test_fit_recovers_an_autoregression_and_its_noise():
    windows = second_order(800, 1.2, -0.5)
    forecaster = create(Linear(n_lags=8, penalty=1e-5))
    forecaster.solve(batches(windows))
    weights = forecaster.model["coefficient_NLH"][0, :-1, 0].numpy()
    np.testing.assert_allclose(weights[::-1][:2], [1.2, -0.5], atol=0.05)
    np.testing.assert_allclose(weights[:-2], 0.0, atol=0.05)
    spread = np.median(forecast(forecaster, windows)[:, 0, 2] - forecast(forecaster, windows)[:, 0, 0])
    assert spread == pytest.approx(2 * 1.2816, rel=0.15)  # levels of a short context are uncertain


def test_quantiles_cover_new_windows_as_often_as_they_say():
    forecaster = create(Linear(n_lags=8))
    forecaster.solve(batches(second_order(1000, 1.2, -0.5)))
    windows = second_order(1000, 1.2, -0.5, seed=1)
    below = (windows[:, T:, None] < forecast(forecaster, windows)).mean(axis=(0, 1))
    np.testing.assert_allclose(below, LEVELS, atol=0.02)


def test_quantiles_are_those_of_the_training_errors():
    windows = second_order(2000, 0.9, 0.0)
    levels = (0.05, 0.3, 0.5, 0.95)
    forecaster = create(Linear(n_lags=4, n_origins=1), levels=levels)
    forecaster.solve(batches(windows))
    scale = windows[:, :T].std(axis=1)[:, None, None]
    offset = forecaster.model["offset_NHQ"][0].numpy()
    point = forecast(forecaster, windows)[..., :1] / scale - offset[None, :, :1]
    expected = np.quantile(windows[:, T:] / scale[..., 0] - point[..., 0], levels, axis=0)
    np.testing.assert_allclose(offset, expected.T, atol=0.03)


def test_order_and_size_of_batches_do_not_matter():
    windows = second_order(120, 0.9, -0.2)
    one, other = create(Linear(n_lags=8)), create(Linear(n_lags=8))
    one.solve(batches(windows))
    other.solve(batches(windows[::-1], size=7))
    np.testing.assert_allclose(forecast(one, windows), forecast(other, windows), atol=1e-4)


def test_told_domains_have_models_of_their_own_and_untold_ones_share_one():
    left, right = second_order(150, 0.9, 0.0), second_order(150, -0.9, 0.0, seed=1)
    mixed = np.stack([left, right], axis=1).reshape(300, -1)
    told, alone, untold = (
        create(Linear(n_lags=4), ("left", "right")),
        create(Linear(n_lags=4)),
        create(Linear(n_lags=4)),
    )
    told.solve(batches(mixed, np.arange(300) % 2))
    alone.solve(batches(right))
    untold.solve(batches(mixed))
    np.testing.assert_allclose(forecast(told, right, domain=1), forecast(alone, right), atol=1e-5)
    assert np.abs(forecast(untold, right) - forecast(alone, right)).max() > 0.1
    assert np.abs(forecast(told, right, domain=0) - forecast(alone, right)).max() > 0.1


def test_domain_without_windows_raises():
    with pytest.raises(ValueError, match="domain 'right' has no windows"):
        create(Linear(n_lags=4), ("left", "right")).solve(batches(second_order(20, 0.5, 0.0)))


def test_windows_with_missing_samples_are_left_out_and_forecast():
    windows = second_order(60, 0.9, 0.0)
    gappy = windows.copy()
    gappy[::2, 30], gappy[1::6, T + 2] = np.nan, np.nan
    one, other = create(Linear(n_lags=4)), create(Linear(n_lags=4))
    assert one.solve(batches(gappy))["n_windows"] == 20
    other.solve(batches(gappy[np.isfinite(gappy).all(axis=1)]))
    torch.testing.assert_close(one.model["offset_NHQ"], other.model["offset_NHQ"])
    gappy[0, T - 1] = np.nan
    assert np.isfinite(forecast(one, gappy)).all()


def test_forecast_follows_level_and_scale_of_the_context():
    windows = second_order(60, 0.9, 0.0)
    forecaster = create(Linear(n_lags=4))
    forecaster.solve(batches(windows))
    np.testing.assert_allclose(
        forecast(forecaster, windows * 1000 + 500), forecast(forecaster, windows) * 1000 + 500, rtol=1e-3, atol=0.5
    )


def test_constant_context_is_forecast_as_it_is():
    forecaster = create(Linear(n_lags=4))
    forecaster.solve(batches(second_order(60, 0.9, 0.0)))
    np.testing.assert_allclose(forecast(forecaster, np.full((2, T), 3.0, dtype=np.float32))[..., 1], 3.0, atol=0.5)


def test_not_fitted_forecasts_the_contexts_mean():
    windows = second_order(10, 0.9, 0.0)
    quantiles = forecast(create(Linear(n_lags=4)), windows)
    np.testing.assert_allclose(quantiles[..., 1], np.repeat(windows[:, :T].mean(axis=1)[:, None], H, 1), atol=1e-5)
    assert (np.diff(quantiles, axis=-1) > 0).all()


def test_validate_fitted_is_better_than_not_fitted():
    windows = second_order(300, 1.2, -0.5)
    held_out, forecaster = batches(second_order(50, 1.2, -0.5, seed=1)), create(Linear(n_lags=8))
    before = validate(forecaster, held_out())["validation_wql"]
    forecaster.solve(batches(windows))
    assert validate(forecaster, held_out())["validation_wql"] < 0.95 * before


@pytest.mark.parametrize("domains", [("one",), ("left", "right")])
def test_load_gives_back_what_was_saved(domains, tmp_path):
    windows = second_order(60, 0.9, 0.0)
    forecaster = create(Linear(n_lags=4), domains)
    forecaster.solve(batches(windows, np.arange(60) % len(domains)))
    forecaster.save(tmp_path)
    loaded = Linear().load(tmp_path, domains)
    np.testing.assert_array_equal(forecast(loaded, windows), forecast(forecaster, windows))
    for name in ("context_length", "prediction_length", "quantile_levels", "domains", "horizon_method", "settings"):
        assert getattr(loaded, name) == getattr(forecaster, name)
    with pytest.raises(WeightsError, match="was trained on the domains"):
        Linear().load(tmp_path, ("x",))


def test_load_broken_folder_raises(tmp_path):
    with pytest.raises(WeightsError, match=r"has no forecaster\.json"):
        Linear().load(tmp_path, ("one",))
    create(Linear(n_lags=4)).save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(WeightsError, match="damaged"):
        Linear().load(tmp_path, ("one",))


def test_attributes_say_what_was_asked():
    forecaster = create(Linear(n_lags=16), ("a", "b"))
    assert (forecaster.context_length, forecaster.prediction_length, forecaster.native_length) == (T, H, H)
    assert forecaster.quantile_levels == LEVELS
    assert (forecaster.n_tokens(T), forecaster.n_tokens(8)) == (16, 8)
    assert sum(weight.numel() for weight in forecaster.model.parameters()) == 2 * (17 * H + H * 3)


def test_embed_raises_and_says_what_to_take():
    with pytest.raises(NotImplementedError, match="take its residuals"):
        create(Linear(n_lags=4)).embed(Batch(torch.zeros(1, T), None, torch.zeros(1, dtype=torch.long)))


def test_context_shorter_than_the_forecasters_lags_raises():
    forecaster, windows = create(Linear(n_lags=40)), second_order(20, 0.5, 0.0)
    with pytest.raises(ValueError, match="weighs the last 40 samples, but contexts have 30"):
        forecaster.predict_quantiles(Batch(torch.as_tensor(windows[:, :30]), None, torch.zeros(20, dtype=torch.long)))
    with pytest.raises(ValueError, match="weighs the last 40 samples, but contexts have 30"):
        forecaster.solve(batches(windows, context=30))


def test_context_shorter_than_the_lags_is_weighed_whole():
    assert create(Linear(n_lags=100)).n_lags == T


def test_incompatibilities_are_levels_without_the_median():
    assert not list(Linear(n_lags=T).incompatibilities(T, H, (0.123, 0.5), ("one",)))
    assert [name for name, _ in Linear(n_lags=T).incompatibilities(T, H, (0.1,), ("one",))] == ["quantile_levels"]


def test_settings_have_no_sizes_of_a_network():
    assert {*Linear.model_fields} - {*TorchBackbone.model_fields} == {"n_lags", "penalty", "n_origins"}
    assert Linear().outline().n_blocks == 0


def test_choice_of_a_backbone_takes_each_kind_by_its_name():
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(choice("motor.backbones"))
    assert adapter.validate_python({"kind": "linear", "n_lags": 8}) == Linear(n_lags=8)
    with pytest.raises(ValidationError, match="d_model"):
        adapter.validate_python({"kind": "linear", "d_model": 8})


def test_groups_of_windows_raise():
    context, domain = torch.zeros(2, T), torch.zeros(2, dtype=torch.long)
    with pytest.raises(ValueError, match="this forecaster sees each window alone"):
        create(Linear(n_lags=4)).predict_quantiles(
            Batch(context, None, domain, group_B=torch.zeros(2, dtype=torch.long))
        )
