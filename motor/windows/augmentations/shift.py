"""A small circular shift in time."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Share


class Shift(Augmentation):
    """Move the window later by up to `largest_share` of its length; what falls off its end comes first.

    It only moves later: the seam then lies among the oldest samples of the context. Moved earlier, the
    seam would lie in the future, which nobody could forecast. Where a window begins is random anyway.

    Parameters
    ----------
    largest_share : float
        Longest shift, as a share of the window.
    """

    order: ClassVar[int] = 10
    moves_time: ClassVar[bool] = True
    kind: Literal["shift"] = "shift"
    largest_share: Share = 0.01

    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return the rolled window."""
        largest = int(self.largest_share * window_T.size)
        return np.roll(window_T, int(generator.integers(largest, endpoint=True)))


PLUGIN = Shift
