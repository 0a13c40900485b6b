import pickle

import numpy as np
import pytest
from pydantic import ValidationError

from motor.registry import plugins
from motor.windows.augmentations.base import Augmentation
from tests.windows.augmentations.changed import changed

PLUGINS = plugins("motor.windows.augmentations")
RATE_HZ = 65536.0
every_plugin = pytest.mark.parametrize("plugin", PLUGINS.values(), ids=PLUGINS)


def random_windows(count: int, size: int = 5120) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((count, size), dtype=np.float32)


def apply(augmentation: Augmentation, window_BN: np.ndarray, first_key: int = 0) -> np.ndarray:
    return changed(window_BN, [augmentation], np.arange(first_key, first_key + len(window_BN)), RATE_HZ)


@every_plugin
def test_augmentation_changes_windows_in_float32(plugin):
    window_BN = random_windows(3)
    changed_BN = apply(plugin(classes=None), window_BN)
    assert changed_BN.dtype == np.float32
    assert changed_BN.shape == window_BN.shape
    assert (changed_BN != window_BN).any(axis=1).all()


@every_plugin
def test_augmentation_same_key_gives_the_same_window(plugin):
    window_BN = random_windows(1)
    one = plugin(classes=None)
    np.testing.assert_array_equal(apply(one, window_BN, 5), apply(one, window_BN, 5))
    assert not np.array_equal(apply(one, window_BN, 5), apply(one, window_BN, 6), equal_nan=True)


@every_plugin
@pytest.mark.parametrize("size", [333, 5120])
def test_augmentation_bits_are_the_same_in_any_batch(plugin, size):
    window_BN = random_windows(64, size)
    whole_BN = apply(plugin(classes=None), window_BN)
    for batch_size in (1, 7):
        parts = [
            apply(plugin(classes=None), window_BN[first : first + batch_size], first)
            for first in range(0, 64, batch_size)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole_BN)


@every_plugin
@pytest.mark.parametrize("size", [1, 2, 16, 333])
def test_augmentation_short_window_keeps_its_shape(plugin, size):
    changed_BN = apply(plugin(classes=None), random_windows(20, size))
    assert changed_BN.shape == (20, size)
    assert changed_BN.dtype == np.float32


@every_plugin
def test_augmentation_constant_window_stays_without_infinities(plugin):
    changed_BN = apply(plugin(classes=None), np.full((3, 1000), 2.0, dtype=np.float32))
    assert not np.isinf(changed_BN).any()


@every_plugin
def test_augmentation_settings_survive_pickle_and_dump(plugin):
    augmentation = plugin(classes=("spark", "vibrate"))
    assert pickle.loads(pickle.dumps(augmentation)) == augmentation
    assert plugin(**augmentation.model_dump()) == augmentation


@every_plugin
def test_augmentation_unknown_setting_raises(plugin):
    with pytest.raises(ValidationError, match="strenght"):
        plugin(strenght=1.0)


def test_augmentations_all_of_the_method_are_there():
    assert set(PLUGINS) >= {"amplitude", "jitter", "masking", "shift", "spectral", "spikes", "tone"}


def test_augmentations_masking_comes_last():
    orders = {name: plugin.order for name, plugin in PLUGINS.items()}
    assert max(orders, key=orders.get) == "masking"
    assert len(set(orders.values())) == len(orders)
