"""A small circular shift in time."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Drawn, Share
from motor.windows.source import runs_of


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

    def n_uniforms(self, window_length: int) -> int:
        """See `Augmentation.n_uniforms`."""
        return 1

    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """See `Augmentation.draw`."""
        return ((uniform_BK[:, 0] * (self._largest(window_length) + 1)).astype(np.int64),)

    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return the rolled windows."""
        (steps_B,) = drawn
        n_windows, n_samples = window_BN.shape
        largest = self._largest(n_samples)
        longer_BM = np.empty((n_windows, largest + n_samples), dtype=np.float32)
        longer_BM[:, :largest] = window_BN[:, n_samples - largest :]
        longer_BM[:, largest:] = window_BN
        begins_B = np.arange(n_windows) * longer_BM.shape[1] + largest
        return runs_of(longer_BM.reshape(-1), n_samples)[begins_B - steps_B]

    def _largest(self, window_length: int) -> int:
        """Return the longest shift, in samples."""
        return int(self.largest_share * window_length)


PLUGIN = Shift
