"""What every feature that is learned from windows keeps to; a new plug-in is tested here with no new test."""

import io

import joblib
import numpy as np
import pandas as pd
import pytest

from motor.features.base import FittedFeature
from motor.registry import plugins

QUICK = {"minirocket": {"n_columns": 168}, "cnn": {"n_epochs": 3}}
FITTED = {name: plugin for name, plugin in plugins("motor.features").items() if issubclass(plugin, FittedFeature)}
SEEDLESS = {"neighbours"}  # nothing in them is random
N_SERIES, N_WINDOWS, T = 12, 3, 256


@pytest.fixture(params=FITTED)
def feature(request: pytest.FixtureRequest) -> FittedFeature:
    return FITTED[request.param](**QUICK.get(request.param, {}))


@pytest.fixture
def meta() -> pd.DataFrame:
    """Six motors of two classes in two domains."""
    numbers = np.arange(N_SERIES)
    return pd.DataFrame(
        {
            "item": [f"s{number:02d}" for number in numbers],
            "motor": [f"m{number // 2}" for number in numbers],
            "domain": np.array(["left", "right"])[numbers % 2],
            "label": np.array(["normal", "spark"])[numbers // 2 % 2],
        }
    )


@pytest.fixture
def windows(meta) -> tuple[np.ndarray, np.ndarray]:
    """Noise, and in one class a tone: windows in a mixed order, and the series of each."""
    generator = np.random.default_rng(0)
    position = generator.permutation(np.repeat(np.arange(N_SERIES), N_WINDOWS))
    tone = np.sin(np.arange(T) / 3 + generator.uniform(0, 6, size=(len(position), 1)))
    is_fault = (meta["label"] == "spark").to_numpy()[position, None]
    return (generator.normal(size=(len(position), T)) + tone * is_fault).astype(np.float32), position


def fitted(feature, windows, meta, seed=0, n_threads=1):
    return feature.fit(*windows, meta, seed, n_threads)


def test_transform_gives_one_finite_row_a_series_in_the_order_of_meta(feature, windows, meta):
    table = fitted(feature, windows, meta).transform(*windows, meta)
    assert table.index.tolist() == meta["item"].tolist()
    assert table.index.name == "item"
    assert set(table.dtypes) == {np.dtype(np.float64)}
    assert table.columns.is_unique
    assert np.isfinite(table.to_numpy()).all()


def test_transform_follows_neither_the_order_of_windows_nor_that_of_series(feature, windows, meta):
    model, (values, position) = fitted(feature, windows, meta), windows
    table = model.transform(values, position, meta)
    turned = model.transform(values[::-1], N_SERIES - 1 - position[::-1], meta.iloc[::-1].reset_index(drop=True))
    pd.testing.assert_frame_equal(turned.loc[meta["item"]], table, rtol=1e-4, atol=1e-5)


def test_transform_of_a_series_does_not_depend_on_the_others(feature, windows, meta):
    model, (values, position) = fitted(feature, windows, meta), windows
    table = model.transform(values, position, meta)
    alone = model.transform(values[position == 5], np.zeros(N_WINDOWS, dtype=int), meta.iloc[[5]])
    pd.testing.assert_frame_equal(alone, table.iloc[[5]], rtol=1e-4, atol=1e-5)


def test_transform_reads_no_labels(feature, windows, meta):
    model = fitted(feature, windows, meta)
    table = model.transform(*windows, meta)
    pd.testing.assert_frame_equal(model.transform(*windows, meta.drop(columns="label")), table)


def test_fit_reads_labels_only_if_it_says_so(feature, windows, meta):
    table = fitted(feature, windows, meta).transform(*windows, meta)
    others = meta.assign(label=meta["label"].to_numpy()[::-1])
    turned = fitted(feature, windows, others).transform(*windows, meta)
    assert table.equals(turned) == (not feature.needs_labels)


def test_fit_same_seed_gives_same_bits_on_any_number_of_threads(feature, windows, meta):
    tables = [fitted(feature, windows, meta, 7, n_threads).transform(*windows, meta) for n_threads in (1, 1, 2)]
    pd.testing.assert_frame_equal(tables[1], tables[0], check_exact=True)
    pd.testing.assert_frame_equal(tables[2], tables[0], check_exact=True)


def test_fit_another_seed_gives_another_model_unless_nothing_is_random(feature, windows, meta):
    one, other = (fitted(feature, windows, meta, seed).transform(*windows, meta) for seed in (0, 1))
    assert one.equals(other) == (feature.kind in SEEDLESS)


def test_fit_leaves_the_global_generators_as_they_were(feature, windows, meta):
    import torch

    np.random.seed(3)  # noqa: NPY002 - it is the global state that is looked at
    before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    fitted(feature, windows, meta).transform(*windows, meta)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_fit_and_transform_take_read_only_windows_and_leave_them_alone(feature, windows, meta):
    before = windows[0].copy()
    windows[0].flags.writeable = False
    fitted(feature, windows, meta).transform(*windows, meta)
    np.testing.assert_array_equal(windows[0], before)


def test_model_survives_joblib(feature, windows, meta):
    model, buffer = fitted(feature, windows, meta), io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    loaded = joblib.load(buffer)
    pd.testing.assert_frame_equal(loaded.transform(*windows, meta), model.transform(*windows, meta), check_exact=True)


def test_still_windows_stay_finite(feature, windows, meta):
    values, position = windows
    values[::4] = 0.25
    assert np.isfinite(fitted(feature, windows, meta).transform(values, position, meta).to_numpy()).all()


def test_transform_windows_of_another_length_or_series_without_windows_raise(feature, windows, meta):
    model, (values, position) = fitted(feature, windows, meta), windows
    with pytest.raises(ValueError, match="expected"):
        model.transform(values[:, 1:], position, meta)
    with pytest.raises(ValueError, match="1 of 12 series have no windows, the first: 's05'"):
        model.transform(values[position != 5], position[position != 5], meta)


def test_settings_survive_their_dump(feature):
    assert type(feature).model_validate(feature.model_dump()) == feature
