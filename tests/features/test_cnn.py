import numpy as np
import pandas as pd
import pytest
import torch

from motor.features.cnn import Cnn
from motor.features.fitted.wide_cnn import wide_cnn

T = 512


def bursts(n_series: int, seed: int, period: dict[str, int]) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """Impacts that ring, at a period that is the class; two windows a series, each of its own strength."""
    generator = np.random.default_rng(seed)
    labels = np.array(list(period))[np.arange(n_series) % len(period)]
    meta = pd.DataFrame({"item": [f"s{i}" for i in range(n_series)], "motor": "m", "domain": "one", "label": labels})
    position = np.repeat(np.arange(n_series), 2)
    windows = generator.normal(size=(len(position), T)) * 0.3
    ring = np.exp(-np.arange(20) / 5) * np.sin(np.arange(20))
    for window, series in zip(windows, position, strict=True):
        hits = np.zeros(T)
        hits[generator.integers(period[labels[series]]) :: period[labels[series]]] = 2.0
        window += np.convolve(hits, ring)[:T]
    return (windows * generator.uniform(0.1, 10, size=(len(windows), 1))).astype(np.float32), position, meta


def test_fit_learns_what_tells_new_series_apart():
    period = {"inner": 24, "outer": 57, "normal": 2000}
    windows, position, meta = bursts(60, 0, period)
    model = Cnn(n_epochs=30).fit(windows, position, meta, seed=0, n_threads=1)
    windows, position, meta = bursts(60, 1, period)
    table = model.transform(windows, position, meta.drop(columns="label"))
    assert table.columns.tolist() == ["cnn_logit_inner", "cnn_logit_normal", "cnn_logit_outer"]
    found = np.array(["inner", "normal", "outer"])[table.to_numpy().argmax(axis=1)]
    assert np.mean(found == meta["label"]) > 0.8


def test_transform_is_the_mean_of_its_windows_logits():
    windows, position, meta = bursts(8, 0, {"inner": 24, "outer": 57})
    model = Cnn(n_epochs=1).fit(windows, position, meta, seed=0, n_threads=1)
    table = model.transform(windows, position, meta)
    halves = [model.transform(windows[start::2], np.arange(8), meta) for start in (0, 1)]
    np.testing.assert_allclose(table, (halves[0] + halves[1]) / 2, atol=1e-5)


def test_transform_does_not_follow_the_level():
    windows, position, meta = bursts(8, 0, {"inner": 24, "outer": 57})
    model = Cnn(n_epochs=1).fit(windows, position, meta, seed=0, n_threads=1)
    louder = model.transform(windows * 100 + 5, position, meta)
    np.testing.assert_allclose(louder, model.transform(windows, position, meta), atol=1e-2)


def test_fit_rare_class_weighs_as_much_as_the_others():
    windows, position, meta = bursts(60, 0, {"inner": 24, "outer": 57})
    kept = (meta["label"] == "inner").to_numpy() | (np.arange(60) < 8)
    rows = kept[position]
    few = meta[kept].reset_index(drop=True)
    model = Cnn(n_epochs=25).fit(windows[rows], (np.cumsum(kept) - 1)[position[rows]], few, seed=0, n_threads=1)
    windows, position, meta = bursts(40, 1, {"inner": 24, "outer": 57})
    found = model.transform(windows, position, meta).idxmax(axis=1)
    assert np.mean(found[(meta["label"] == "outer").to_numpy()] == "cnn_logit_outer") > 0.5


def test_fit_one_class_raises():
    windows, position, meta = bursts(4, 0, {"inner": 24})
    with pytest.raises(ValueError, match="all training series are of class 'inner'"):
        Cnn().fit(windows, position, meta, seed=0, n_threads=1)


@pytest.mark.parametrize("n_samples", [1, 16, 64, 1000, 4096])
def test_network_takes_windows_of_any_length(n_samples):
    assert wide_cnn(3, 0.0).eval()(torch.zeros(2, 1, n_samples)).shape == (2, 3)


def test_network_is_small():
    assert sum(weight.numel() for weight in wide_cnn(3, 0.0).parameters()) < 60_000
