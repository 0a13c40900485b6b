"""What every feature of forecasts keeps to; a new plug-in is tested here with no new test."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from motor.backbones.batch import Batch
from motor.features.base import ForecastFeature, WindowFeatures
from motor.registry import plugins

FEATURES = {name: plugin for name, plugin in plugins("motor.features").items() if issubclass(plugin, ForecastFeature)}
ITEMS = ["b", "b", "a", "a", "c", "c"]
META = pd.DataFrame(
    {
        "item": ["c", "a", "b"],
        "motor": ["m1", "m2", "m2"],
        "domain": ["left", "left", "right"],
        "label": ["normal", "spark", "spark"],
        "moment": [None, "t0", "t0"],
    }
)


@pytest.fixture(params=FEATURES)
def feature(request: pytest.FixtureRequest) -> ForecastFeature:
    return FEATURES[request.param]()


def compute(
    feature: ForecastFeature, forecaster, signal: np.ndarray, rows: list[int], domains: int = 0
) -> WindowFeatures:
    return feature.per_window(forecaster, batch_of(feature, forecaster, signal[rows], domains), 1000.0)


def batch_of(feature: ForecastFeature, forecaster, signal: np.ndarray, domain: int = 0, group_B=None) -> Batch:
    context_BT, future_BH = np.split(signal, [forecaster.context_length], axis=1)
    domain_B = np.full(len(signal), domain)
    return Batch(context_BT, future_BH if feature.needs_future else None, domain_B, group_B=group_B)


def series(feature: ForecastFeature, forecaster, signal: np.ndarray, meta: pd.DataFrame = META) -> pd.DataFrame:
    parts = [compute(feature, forecaster, signal, rows) for rows in ([0, 1, 2, 3], [4, 5])]
    return feature.per_series(WindowFeatures.join(parts, ITEMS, [0, 1] * 3), meta)


def test_window_does_not_depend_on_its_batch(feature, forecaster, signal):
    together = compute(feature, forecaster, signal, [0, 1, 2, 3, 4, 5])
    parts = [compute(feature, forecaster, signal, rows) for rows in ([0], [1, 2, 3], [4, 5])]
    joined = WindowFeatures.join(parts, ITEMS, [0, 1] * 3)
    np.testing.assert_allclose(joined.frame.to_numpy(), together.frame.to_numpy(), rtol=1e-4, atol=1e-5)


def test_window_sees_its_group_and_no_other(feature, forecaster, signal):
    def frame(signal: np.ndarray, group: list[int] | None) -> np.ndarray:
        group_B = None if group is None else np.array(group)
        batch = batch_of(feature, forecaster, signal[:4], group_B=group_B)
        return feature.per_window(forecaster, batch, 1000.0).frame.to_numpy()

    changed = signal.copy()
    changed[0, :64] += 1.0
    together = frame(changed, [3, 3, 5, 5]) != frame(signal, [3, 3, 5, 5])
    assert together.any(axis=1).tolist() == [True, True, False, False]
    assert (frame(changed, None) != frame(signal, None)).any(axis=1).tolist() == [True, False, False, False]


def test_window_leaves_its_input_alone_and_takes_a_read_only_one(feature, forecaster, signal):
    before = signal.copy()
    signal.flags.writeable = False
    assert len(compute(feature, forecaster, signal, [0, 1]).frame) == 2
    np.testing.assert_array_equal(signal, before)


def test_window_frame_is_float32_with_distinct_columns(feature, forecaster, signal):
    frame = compute(feature, forecaster, signal, [0, 1]).frame
    assert set(frame.dtypes) == {np.dtype(np.float32)}
    assert frame.columns.is_unique


def test_window_without_the_whole_future_raises_where_one_is_needed(feature, forecaster, signal):
    if not feature.needs_future:  # a forecaster takes contexts of any length up to its own
        return
    for short in (signal[:, :64], signal[:, :100]):
        with pytest.raises(ValueError, match="expected 128"):
            compute(feature, forecaster, short, [0])


def test_series_are_finite_and_in_the_order_of_meta(feature, forecaster, signal):
    table = series(feature, forecaster, signal)
    assert table.index.tolist() == META["item"].tolist()
    assert table.index.name == "item"
    assert np.isfinite(table.to_numpy(np.float64)).all()
    assert table.columns.is_unique


def test_series_follow_their_item_whatever_the_order(feature, forecaster, signal):
    table = series(feature, forecaster, signal)
    turned = series(feature, forecaster, signal, META.iloc[[2, 0, 1]])
    pd.testing.assert_frame_equal(turned.loc[META["item"]], table)


def test_series_do_not_depend_on_those_of_other_motors(feature, forecaster, signal):
    changed = signal.copy()
    changed[4:] **= 3  # not a gain, which a feature may leave out
    before, after = series(feature, forecaster, signal), series(feature, forecaster, changed)
    pd.testing.assert_frame_equal(after.loc[["a", "b"]], before.loc[["a", "b"]])
    assert not np.allclose(after.loc["c"], before.loc["c"])


def test_series_do_not_depend_on_labels(feature, forecaster, signal):
    pd.testing.assert_frame_equal(
        series(feature, forecaster, signal), series(feature, forecaster, signal, META.assign(label="normal"))
    )


def test_series_of_two_domains_are_told_theirs(feature, forecaster, signal):
    told = series(feature, forecaster, signal)[["domain_is_left", "domain_is_right"]]
    np.testing.assert_array_equal(told, [[1, 0], [1, 0], [0, 1]])


def test_series_of_one_domain_are_told_nothing(feature, forecaster, signal):
    table = series(feature, forecaster, signal, META.assign(domain="left", moment=None))
    assert not table.columns.str.contains("domain|partner|sensor").any()


@pytest.mark.parametrize(("meta", "message"), [(META.iloc[:2], "no row in meta"), (None, "no windows")])
def test_series_and_windows_that_do_not_match_raise(feature, forecaster, signal, meta, message):
    extra = pd.concat([META, META.iloc[:1].assign(item="d")])
    with pytest.raises(ValueError, match=message):
        series(feature, forecaster, signal, extra if meta is None else meta)


def test_settings_survive_their_dump(feature):
    assert type(feature).model_validate(feature.model_dump()) == feature


def test_plugins_import_nothing_heavy():
    code = (
        "import sys; from motor.registry import plugins; plugins('motor.features'); "
        "print({'sklearn', 'scipy', 'pandas', 'torch', 'statsmodels'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"
