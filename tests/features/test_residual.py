import numpy as np
import pandas as pd
import pytest

from motor.backbones.batch import Batch
from motor.features.base import WindowFeatures
from motor.features.residual import Residual

META = pd.DataFrame(
    {
        "item": ["a", "b", "c"],
        "motor": ["m1", "m1", "m2"],
        "domain": ["left", "right", "left"],
        "moment": ["t0", "t0", None],
    }
)


def windows(feature: Residual, forecaster, signal: np.ndarray) -> WindowFeatures:
    part = feature.per_window(forecaster, Batch(signal[:, :64], signal[:, 64:], np.zeros(len(signal))), 1000.0)
    return WindowFeatures.join([part], list("aabbcc"), [0, 1] * 3)


def test_window_errors_are_those_of_the_median_on_the_horizon(forecaster, signal):
    found = windows(Residual(), forecaster, signal)
    median = forecaster.predict_quantiles(Batch(signal[:, :64], None, np.zeros(6)))[..., 1].numpy()
    residual = signal[:, 64:] - median
    np.testing.assert_allclose(found.residuals_BH, residual, atol=1e-6)
    np.testing.assert_allclose(found.frame["mae"], np.abs(residual).mean(axis=1), rtol=1e-5)
    reference = np.abs(signal[:, 64:128] - signal[:, :64].mean(axis=1, keepdims=True)).mean(axis=1)
    relative = np.abs(residual[:, :64]).mean(axis=1) / reference
    np.testing.assert_allclose(found.frame["relative_mae_first_64"], relative, rtol=1e-5)


def test_settings_reach_the_statistics(forecaster, signal):
    frame = windows(Residual(loss_levels=(0.5,), n_lags=3, cut_hz=50.0), forecaster, signal).frame
    usual = windows(Residual(), forecaster, signal).frame
    assert [column for column in frame if "quantile" in column] == ["quantile_loss_0.5"]
    assert [column for column in frame if column.startswith("acf")] == ["acf_01", "acf_02", "acf_03"]
    assert not np.allclose(frame["log_energy_ratio"], usual["log_energy_ratio"])


def test_series_are_means_over_windows_without_the_skill_columns(forecaster, signal):
    feature = Residual()
    found = windows(feature, forecaster, signal)
    table = feature.per_series(found, META)
    np.testing.assert_allclose(table.loc["b", "acf_03"], found.frame["acf_03"].iloc[2:4].mean(), rtol=1e-6)
    assert not table.columns.str.startswith("skill_").any()


def test_segments_grow_from_the_origin_in_every_measure(forecaster, signal):
    columns = set(windows(Residual(), forecaster, signal).frame)
    assert {f"{measure}_first_{n}" for measure in ("mae", "mse") for n in (1, 4, 16, 64)} < columns
    for measure in ("relative_mae", "context_mae"):
        expected = {f"{measure}_{segment}" for segment in ("first_1", "first_4", "first_16", "first_64", "whole")}
        assert {column for column in columns if column.startswith(measure)} == expected


def test_segments_are_those_of_the_horizon_whatever_the_signal(forecaster, signal):
    still = np.zeros_like(signal)
    assert list(windows(Residual(), forecaster, still).frame) == list(windows(Residual(), forecaster, signal).frame)


def test_window_error_over_the_contexts_deviation_knows_no_gain(forecaster, signal):
    quiet, loud = (windows(Residual(), forecaster, gain * signal).frame for gain in (1.0, 100.0))
    median = forecaster.predict_quantiles(Batch(signal[:, :64], None, np.zeros(6)))[..., 1].numpy()
    expected = np.abs(signal[:, 64:80] - median[:, :16]).mean(axis=1) / signal[:, :64].std(axis=1)
    np.testing.assert_allclose(quiet["context_mae_first_16"], expected, rtol=1e-5)
    np.testing.assert_allclose(loud["context_mae_first_16"], expected, rtol=1e-4)


def test_series_relative_error_is_that_of_its_mean_errors(forecaster, signal):
    found = windows(Residual(), forecaster, signal)
    table = Residual().per_series(found, META)
    own = found.frame.iloc[2:4].astype(float)
    expected = own["skill_error_first_1"].mean() / own["skill_reference_first_1"].mean()
    assert table.loc["b", "relative_mae_first_1"] == pytest.approx(expected, rel=1e-6)
    assert own["relative_mae_first_1"].mean() != pytest.approx(expected, rel=1e-3)


def test_series_with_std_have_both(forecaster, signal):
    feature = Residual(pooling=("mean", "std"))
    found = windows(feature, forecaster, signal)
    table = feature.per_series(found, META)
    np.testing.assert_allclose(table.loc["c", "mse_std"], np.std(found.frame["mse"].iloc[4:].astype(float)), rtol=1e-6)
    assert "mse" in table


def test_series_with_a_partner_carry_the_correlation_and_the_other_zeros(forecaster, signal):
    feature = Residual()
    found = windows(feature, forecaster, signal)
    table = feature.per_series(found, META)
    expected = [np.corrcoef(found.residuals_BH[w], found.residuals_BH[2 + w])[0, 1] for w in (0, 1)]
    np.testing.assert_allclose(table["cross_sensor_correlation"], [np.mean(expected)] * 2 + [0], atol=1e-6)
    np.testing.assert_array_equal(table["has_partner"], [1, 1, 0])


def test_series_without_residuals_raise(forecaster, signal):
    found = windows(Residual(), forecaster, signal)
    with pytest.raises(ValueError, match="without residuals"):
        Residual().per_series(WindowFeatures(found.frame), META)


def test_forecaster_without_the_level_raises(forecaster, signal):
    with pytest.raises(ValueError, match=r"no quantile 0\.05"):
        windows(Residual(loss_levels=(0.05,)), forecaster, signal)
