"""`draw_changes` and `augment`: the chain of augmentations."""

import numpy as np

from motor.registry import plugins
from motor.windows.augmentations.amplitude import Amplitude
from motor.windows.augmentations.base import augment, chained, draw_changes
from motor.windows.augmentations.jitter import Jitter
from motor.windows.augmentations.masking import Masking
from motor.windows.augmentations.spikes import Spikes
from motor.windows.augmentations.tone import Tone
from tests.windows.augmentations.changed import changed

RATE_HZ = 65536.0
WINDOW_T = np.random.default_rng(1).standard_normal(2048, dtype=np.float32)
ALL = tuple(plugin(classes=None) for plugin in plugins("motor.windows.augmentations").values())


def chain(augmentations, key=0, label="normal"):
    return changed(WINDOW_T[None], augmentations, [key], RATE_HZ, label)[0]


def test_augment_listing_order_does_not_matter():
    np.testing.assert_array_equal(chain(ALL), chain(ALL[::-1]))


def test_augment_turning_one_off_leaves_the_others_draws():
    gaps_T = np.isnan(chain(ALL))
    others = tuple(one for one in ALL if not isinstance(one, Amplitude | Jitter))
    np.testing.assert_array_equal(np.isnan(chain(others)), gaps_T)
    np.testing.assert_array_equal(np.isnan(chain((Masking(),))), gaps_T)


def test_augment_two_of_a_kind_draw_apart():
    once_T = chain((Jitter(),)) - WINDOW_T
    twice_T = chain((Jitter(), Jitter())) - WINDOW_T
    assert abs(np.corrcoef(once_T, twice_T - once_T)[0, 1]) < 0.1


def test_augment_class_specific_only_for_its_class():
    augmentations = (Spikes(), Tone())
    np.testing.assert_array_equal(chain(augmentations, label="normal"), WINDOW_T)
    assert (chain(augmentations, label="spark") != WINDOW_T).sum() <= 0.002 * WINDOW_T.size
    assert (chain(augmentations, label="vibrate") != WINDOW_T).mean() > 0.9


def test_augment_windows_of_several_labels_in_one_batch_are_as_alone():
    window_BN = np.random.default_rng(4).standard_normal((6, 512), dtype=np.float32)
    labels, keys_B = ["spark", "normal", "vibrate"] * 2, np.arange(6, dtype=np.uint64)
    chosen = [plugin() for plugin in plugins("motor.windows.augmentations").values()]
    chain = [(one, np.array([one.augmentation.touches(label) for label in labels])) for one in chained(chosen)]
    changes = draw_changes(chain, 512, np.full(6, RATE_HZ), keys_B)
    for row, label in enumerate(labels):
        alone_1N = changed(window_BN[row : row + 1], chosen, keys_B[row : row + 1], RATE_HZ, label)
        np.testing.assert_array_equal(augment(window_BN.copy(), changes)[row], alone_1N[0])


def test_augment_all_together_stay_small_and_finite():
    changed_T = chain(tuple(one for one in ALL if one.kind != "shift"))
    seen_T = ~np.isnan(changed_T)
    assert 0.97 - 1e-3 < seen_T.mean() < 0.99 + 1e-3
    assert np.corrcoef(changed_T[seen_T], WINDOW_T[seen_T])[0, 1] > 0.98
