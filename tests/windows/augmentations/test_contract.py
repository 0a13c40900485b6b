import pickle

import numpy as np
import pytest
from pydantic import ValidationError

from motor.registry import plugins
from motor.windows.augmentations.base import Augmentation

PLUGINS = plugins("motor.windows.augmentations")
RATE_HZ = 65536.0
every_plugin = pytest.mark.parametrize("plugin", PLUGINS.values(), ids=PLUGINS)


def random_window(size: int = 5120) -> np.ndarray:
    window_T = np.random.default_rng(3).standard_normal(size, dtype=np.float32)
    window_T.setflags(write=False)
    return window_T


def label_of(augmentation: Augmentation) -> str:
    return augmentation.classes[0] if augmentation.classes else "normal"


def apply(augmentation: Augmentation, window_T: np.ndarray, seed: int = 0) -> np.ndarray:
    return augmentation.apply(window_T, np.random.default_rng(seed), RATE_HZ, label_of(augmentation))


@every_plugin
def test_augmentation_changes_a_copy_in_float32(plugin):
    window_T = random_window()
    kept_T = window_T.copy()
    changed_T = apply(plugin(), window_T)
    assert changed_T.dtype == np.float32
    assert changed_T.shape == window_T.shape
    assert not np.array_equal(changed_T, window_T)
    assert np.array_equal(window_T, kept_T)
    assert not np.shares_memory(changed_T, window_T)


@every_plugin
def test_augmentation_same_generator_gives_the_same_window(plugin):
    window_T = random_window()
    np.testing.assert_array_equal(apply(plugin(), window_T, 5), apply(plugin(), window_T, 5))
    assert not np.array_equal(apply(plugin(), window_T, 5), apply(plugin(), window_T, 6), equal_nan=True)


@every_plugin
def test_augmentation_other_class_gets_a_plain_copy(plugin):
    window_T = random_window()
    copy_T = plugin(classes=("another",)).apply(window_T, np.random.default_rng(0), RATE_HZ, "normal")
    np.testing.assert_array_equal(copy_T, window_T)
    assert not np.shares_memory(copy_T, window_T)


@every_plugin
@pytest.mark.parametrize("size", [1, 2, 16, 333])
def test_augmentation_short_window_keeps_its_shape(plugin, size):
    for seed in range(20):
        changed_T = apply(plugin(), random_window(size), seed)
        assert changed_T.shape == (size,)
        assert changed_T.dtype == np.float32


@every_plugin
def test_augmentation_constant_window_stays_without_infinities(plugin):
    changed_T = apply(plugin(), np.full(1000, 2.0, dtype=np.float32))
    assert not np.isinf(changed_T).any()


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
