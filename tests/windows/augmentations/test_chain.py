"""`augment`: the chain of augmentations."""

import numpy as np

from motor.registry import plugins
from motor.windows.augmentations.amplitude import Amplitude
from motor.windows.augmentations.base import augment
from motor.windows.augmentations.jitter import Jitter
from motor.windows.augmentations.masking import Masking
from motor.windows.augmentations.spikes import Spikes
from motor.windows.augmentations.tone import Tone

RATE_HZ = 65536.0
WINDOW_T = np.random.default_rng(1).standard_normal(2048, dtype=np.float32)
ALL = tuple(plugin(classes=None) for plugin in plugins("motor.windows.augmentations").values())


def chain(augmentations, seed=0, label="normal"):
    return augment(WINDOW_T, augmentations, np.random.default_rng(seed), RATE_HZ, label)


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


def test_augment_without_any_is_a_copy():
    copy_T = chain(())
    np.testing.assert_array_equal(copy_T, WINDOW_T)
    assert not np.shares_memory(copy_T, WINDOW_T)


def test_augment_all_together_stay_small_and_finite():
    changed_T = chain(tuple(one for one in ALL if one.kind != "shift"))
    seen_T = ~np.isnan(changed_T)
    assert 0.97 - 1e-3 < seen_T.mean() < 0.99 + 1e-3
    assert np.corrcoef(changed_T[seen_T], WINDOW_T[seen_T])[0, 1] > 0.98
