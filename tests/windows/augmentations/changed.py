"""Windows changed by augmentations, for tests."""

from collections.abc import Sequence

import numpy as np

from motor.windows.augmentations.base import Augmentation, augment, chained, draw_changes


def changed(
    window_BN: np.ndarray,
    augmentations: Sequence[Augmentation],
    keys: Sequence[int] | np.ndarray,
    sampling_rate_hz: float,
    label: str = "normal",
) -> np.ndarray:
    """Return changed copies of windows of one label, each with a key of its own."""
    keys_B = np.asarray(keys, dtype=np.uint64)
    chain = [(one, np.full(len(keys_B), one.augmentation.touches(label))) for one in chained(augmentations)]
    rates_B = np.full(len(keys_B), sampling_rate_hz)
    return augment(window_BN.copy(), draw_changes(chain, window_BN.shape[1], rates_B, keys_B))
