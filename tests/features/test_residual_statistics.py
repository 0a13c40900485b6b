import numpy as np
import pytest
from scipy.signal import periodogram
from sklearn.metrics import mean_absolute_percentage_error, mean_pinball_loss
from statsmodels.tsa.stattools import acf, pacf

from motor.features import residual_statistics as statistics

LEVELS = (0.1, 0.5, 0.9)
RATE_HZ = 1000.0


@pytest.fixture
def forecast() -> tuple[np.ndarray, np.ndarray]:
    """Signal (4, 512) and quantiles (4, 512, 3); the residuals go from smooth to rough."""
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(4, 514))
    smooth = np.array([[0.9], [0.3], [-0.3], [-0.9]])
    y = 3.0 + noise[:, 2:] + smooth * noise[:, 1:-1] + 0.5 * smooth * noise[:, :-2]
    return y, np.sort(3.0 + generator.normal(size=(4, 512, 3)), axis=-1)


def features(y, quantiles, **settings):
    return statistics.residual_features(y, quantiles, LEVELS, RATE_HZ, **settings)


def test_columns_default_are_those_of_the_seed_text(forecast):
    frame = features(*forecast)
    assert frame.shape == (4, 5 + 8 + 10 + 3 + 20 + 1)
    assert {"mdae", "mse_quarter_4", "mae_first_256", "quantile_loss_0.9", "acf_10", "pacf_01"} < set(frame)
    assert not frame.isna().any(axis=None)


def test_overall_errors_agree_with_their_definitions(forecast):
    y, quantiles = forecast
    residual = y - quantiles[..., 1]
    frame = features(y, quantiles)
    np.testing.assert_allclose(frame["mae"], np.abs(residual).sum(axis=1) / 512)
    np.testing.assert_allclose(frame["rmse"], np.linalg.norm(residual, axis=1) / np.sqrt(512))
    np.testing.assert_allclose(frame["mse"], frame["rmse"] ** 2)
    np.testing.assert_allclose(frame["mdae"], np.quantile(np.abs(residual), 0.5, axis=1))


def test_mape_far_from_zero_agrees_with_scikit_learn(forecast):
    y, quantiles = forecast
    y, quantiles = y + 20, quantiles + 20
    expected = [mean_absolute_percentage_error(y[i], quantiles[i, :, 1]) for i in range(4)]
    np.testing.assert_allclose(features(y, quantiles)["mape"], expected)


def test_mape_at_zero_is_guarded():
    y = np.array([[0.0, 1.0, -1.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    errors = statistics.overall_errors(y, np.full((2, 4), 0.1))
    np.testing.assert_allclose(errors["mape"], [(0.1 / (0.1 * 1.0) + 0.1 + 0.1 + 0.05) / 4, 100.0])
    np.testing.assert_array_equal(statistics.overall_errors(y, np.zeros((2, 4)))["mape"], 0.0)


def test_quarters_cover_the_horizon_once():
    residual = np.repeat([1.0, 2.0, 3.0, 4.0], 256)[None] * np.tile([1.0, -1.0], 512)
    errors = statistics.quarter_errors(residual)
    assert [errors[f"mae_quarter_{i}"].item() for i in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert [errors[f"mse_quarter_{i}"].item() for i in (1, 2, 3, 4)] == [1, 4, 9, 16]


def test_quarters_of_an_odd_horizon_average_to_the_whole():
    residual = np.random.default_rng(0).normal(size=(2, 103))
    errors = statistics.quarter_errors(residual)
    sizes = [25, 26, 26, 26]
    whole = sum(size * errors[f"mse_quarter_{i + 1}"] for i, size in enumerate(sizes)) / 103
    np.testing.assert_allclose(whole, np.mean(residual**2, axis=1))


def test_spans_grow_from_the_origin_and_end_before_the_horizon():
    errors = statistics.span_errors(np.arange(64.0)[None])
    assert list(errors) == [f"{what}_first_{n}" for n in (1, 4, 16) for what in ("mae", "mse")]
    assert errors["mae_first_4"].item() == 1.5
    assert errors["mse_first_16"].item() == np.mean(np.arange(16.0) ** 2)


def test_quantile_loss_agrees_with_scikit_learn(forecast):
    y, quantiles = forecast
    frame = features(y, quantiles)
    for position, level in enumerate(LEVELS):
        expected = [mean_pinball_loss(y[i], quantiles[i, :, position], alpha=level) for i in range(4)]
        np.testing.assert_allclose(frame[f"quantile_loss_{level}"], expected)


def test_quantile_loss_of_a_level_between_raises(forecast):
    with pytest.raises(ValueError, match=r"no quantile 0\.25; there are: 0\.1, 0\.5, 0\.9"):
        features(*forecast, loss_levels=(0.25,))


def test_level_position_forgives_float32():
    assert statistics.level_position(np.array([0.1, 0.5, 0.9], dtype=np.float32), 0.9) == 2


def test_acf_agrees_with_statsmodels(forecast):
    y, quantiles = forecast
    frame = features(y, quantiles)[[f"acf_{lag:02d}" for lag in range(1, 11)]]
    expected = [acf(residual, nlags=10)[1:] for residual in y - quantiles[..., 1]]
    np.testing.assert_allclose(frame, expected, atol=1e-6)


def test_pacf_agrees_with_statsmodels_ldb(forecast):
    y, quantiles = forecast
    frame = features(y, quantiles)[[f"pacf_{lag:02d}" for lag in range(1, 11)]]
    expected = [pacf(residual, nlags=10, method="ldb")[1:] for residual in y - quantiles[..., 1]]
    np.testing.assert_allclose(frame, expected, atol=1e-6)


@pytest.mark.parametrize(("length", "cut_hz"), [(512, None), (511, 100.0), (512, 321.0), (512, 125.0)])
def test_energy_ratio_agrees_with_scipy(forecast, length, cut_hz):
    residual = forecast[0][:, :length]
    frequencies, power = periodogram(residual, RATE_HZ, detrend="constant")
    low = (frequencies > 0) & (frequencies <= (cut_hz or 100.0))
    expected = np.log10(power[:, frequencies > (cut_hz or 100.0)].sum(axis=1) / power[:, low].sum(axis=1))
    np.testing.assert_allclose(statistics.log_energy_ratio(residual, RATE_HZ, cut_hz), expected, atol=1e-9)


def test_energy_ratio_of_one_tone_is_bounded():
    tones = np.sin(2 * np.pi * np.arange(500)[None] * np.array([[50.0], [300.0]]) / RATE_HZ)
    np.testing.assert_allclose(statistics.log_energy_ratio(tones, RATE_HZ), [-6.0, 6.0], atol=1e-6)


@pytest.mark.parametrize("cut_hz", [0.5, 500.0])
def test_energy_ratio_with_a_cut_outside_the_spectrum_raises(forecast, cut_hz):
    with pytest.raises(ValueError, match="parts nothing"):
        features(*forecast, cut_hz=cut_hz)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6])
def test_constant_residual_gives_zeros_and_no_warning(value):
    quantiles = np.repeat(np.random.default_rng(0).normal(size=(2, 512, 1)), 3, axis=-1)
    frame = features(quantiles[..., 1] + value, quantiles)
    moving = [column for column in frame if "acf" in column or column == "log_energy_ratio"]
    np.testing.assert_array_equal(frame[moving], 0.0)
    assert np.isfinite(frame.to_numpy()).all()


def test_row_does_not_depend_on_the_others(forecast):
    y, quantiles = forecast
    alone = features(y[2:3], quantiles[2:3]).to_numpy()[0]
    np.testing.assert_allclose(alone, features(y, quantiles).to_numpy()[2], rtol=1e-12)


@pytest.mark.parametrize(("change", "message"), [((0, np.nan), "not finite in 1 of 4"), ((1, np.inf), "not finite")])
def test_broken_values_raise(forecast, change, message):
    arrays = [array.copy() for array in forecast]
    arrays[change[0]][1, 7] = change[1]
    with pytest.raises(ValueError, match=message):
        features(*arrays)


def test_shapes_that_do_not_match_raise(forecast):
    with pytest.raises(ValueError, match=r"ask for \(4, 500, 3\)"):
        features(forecast[0][:, :500], forecast[1])


def test_lags_beyond_the_horizon_raise(forecast):
    with pytest.raises(ValueError, match="600 lags need a horizon of 601"):
        features(*forecast, n_lags=600)


def test_bounded_ratio_has_a_limit_and_no_ratio_of_nothing_is_one():
    ratio = statistics.bounded_ratio(np.array([1.0, 0.0, 5.0, 1e300]), np.array([2.0, 0.0, 0.0, 1e-300]))
    np.testing.assert_array_equal(ratio, [0.5, 1.0, 100.0, 100.0])
