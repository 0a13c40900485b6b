"""Keys: what they do not see of a window."""

import numpy as np
import pytest
import torch

from motor.retrieval.keys import KEYS

T = 128


@pytest.fixture
def windows() -> torch.Tensor:
    generator = np.random.default_rng(0)
    return torch.from_numpy(generator.normal(size=(5, T)).astype(np.float32))


@pytest.mark.parametrize("name", KEYS)
def test_key_sees_neither_gain_nor_offset(name, windows):
    torch.testing.assert_close(KEYS[name](3 * windows + 5, T), KEYS[name](windows, T), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["power", "amplitude", "autocorrelation"])
def test_key_of_a_tone_sees_no_phase(name):
    time = 2 * np.pi * torch.arange(T) / 16
    one, other = torch.sin(time)[None], torch.sin(time + 1)[None]
    assert (KEYS[name](one, T) - KEYS[name](other, T)).norm() < 0.06
    assert (KEYS["shape"](one, T) - KEYS["shape"](other, T)).norm() > 0.5


@pytest.mark.parametrize("name", KEYS)
def test_key_looks_at_the_newest_samples(name, windows):
    torch.testing.assert_close(KEYS[name](windows, 32), KEYS[name](windows[:, -32:], 32))


@pytest.mark.parametrize("name", KEYS)
def test_key_of_a_still_window_and_of_missing_samples_is_finite(name, windows):
    windows[0], windows[1, 3] = 0.5, torch.nan
    assert KEYS[name](windows, T).isfinite().all()


def test_shape_distance_is_what_correlation_leaves(windows):
    one, other = KEYS["shape"](windows[:2], T)
    correlation = np.corrcoef(windows[0], windows[1])[0, 1]
    assert float((one - other).square().sum()) == pytest.approx(2 - 2 * correlation, rel=1e-4)
