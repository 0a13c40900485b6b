import numpy as np
import pandas as pd
import pytest

from motor.features.minirocket import Minirocket

T = 128
KERNELS = [(a, b, c) for a in range(9) for b in range(a + 1, 9) for c in range(b + 1, 9)]


def noise(n_series: int) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """One window a series."""
    windows = np.random.default_rng(0).normal(size=(n_series, T)).astype(np.float32)
    meta = pd.DataFrame({"item": [f"s{i}" for i in range(n_series)], "motor": "m", "domain": "one", "label": "x"})
    return windows, np.arange(n_series), meta


def convolved(window: np.ndarray, kernel: tuple[int, int, int], dilation: int) -> np.ndarray:
    """The paper's convolution, sample by sample: weights 2 at three places and -1 at the other six, zero-padded."""
    weights = np.full(9, -1.0)
    weights[list(kernel)] = 2.0
    padded = np.pad(window.astype(np.float64), 4 * dilation)
    return np.array([weights @ padded[t : t + 8 * dilation + 1 : dilation] for t in range(len(window))])


def test_transform_agrees_with_the_paper_computed_sample_by_sample():
    windows, position, meta = noise(3)
    model = Minirocket(n_columns=336, level="kept").fit(windows, position, meta, seed=0, n_threads=1)
    dilations, n_each, biases = model.transformer.parameters
    expected, bias = [], iter(biases)
    for place, (dilation, count) in enumerate(zip(dilations, n_each, strict=True)):
        for number, kernel in enumerate(KERNELS):
            values = convolved(windows[1], kernel, dilation)
            if (place + number) % 2:  # every second kernel sees no padding
                values = values[4 * dilation : len(values) - 4 * dilation]
            expected += [np.mean(values > next(bias)) for _ in range(count)]
    np.testing.assert_allclose(model.transform(windows, position, meta).iloc[1], expected, atol=1.5 / (T - 8))


def test_fit_dilations_reach_as_far_as_the_window():
    windows, position, meta = noise(3)
    dilations, n_each, biases = Minirocket(n_columns=840).fit(windows, position, meta, 0, 1).transformer.parameters
    assert (dilations[0], dilations[-1]) == (1, (T - 1) // 8)
    assert 84 * n_each.sum() == len(biases) == 840


def test_columns_are_shares_and_as_many_as_asked():
    windows, position, meta = noise(5)
    table = Minirocket(n_columns=840).fit(windows, position, meta, 0, 1).transform(windows, position, meta)
    assert table.shape == (5, 840)
    assert (table.columns[0], table.columns[-1]) == ("minirocket_0000", "minirocket_0839")
    assert 0 <= table.to_numpy().min() < table.to_numpy().max() <= 1


@pytest.mark.parametrize(("level", "is_same"), [("standardised", True), ("kept", False)])
def test_level_of_a_window_is_seen_only_where_kept(level, is_same):
    windows, position, meta = noise(5)
    model = Minirocket(n_columns=84, level=level).fit(windows, position, meta, 0, 1)
    louder = model.transform(windows * 64 + 3, position, meta)
    assert np.allclose(louder, model.transform(windows, position, meta), atol=0.02) == is_same


def test_fit_windows_shorter_than_a_kernel_raise():
    windows, position, meta = noise(5)
    with pytest.raises(ValueError, match="windows have 8 samples"):
        Minirocket().fit(windows[:, :8], position, meta, 0, 1)


def test_more_threads_than_the_machine_has_are_no_trouble():
    windows, position, meta = noise(5)
    many, one = (Minirocket(n_columns=84).fit(windows, position, meta, 0, n_threads) for n_threads in (500, 1))
    pd.testing.assert_frame_equal(many.transform(windows, position, meta), one.transform(windows, position, meta))
