"""Sparse spikes, as sparking at the brushes makes."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.windows.augmentations.base import Augmentation, Drawn, Interval, between, deviations, subsets


class Spikes(Augmentation):
    """Add single-sample spikes of random sign at a few random places.

    Parameters
    ----------
    classes : tuple of str or None
        Labels whose windows get spikes.
    largest_share : float
        Upper limit of the share of samples touched, below 0.01; their number is uniform from 1 to
        that. A window too short for one sample stays as it is.
    size : (float, float)
        Interval of a spike's height in the window's standard deviations.
    """

    order: ClassVar[int] = 40
    kind: Literal["spikes"] = "spikes"
    classes: tuple[str, ...] | None = ("spark",)
    largest_share: float = Field(default=0.002, gt=0, lt=0.01)
    size: Interval = (1.0, 2.0)

    def n_uniforms(self, window_length: int) -> int:
        """See `Augmentation.n_uniforms`."""
        return 1 + 2 * self._largest(window_length)

    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """See `Augmentation.draw`."""
        largest = self._largest(window_length)
        if largest < 1:
            return uniform_BK[:, :0].astype(np.int64), uniform_BK[:, :0]
        count_B = 1 + (uniform_BK[:, 0] * largest).astype(np.int64)
        places_BK = subsets(uniform_BK[:, 1 : 1 + largest], np.full(len(count_B), window_length), count_B)
        # Half of the numbers are for spikes downwards, and the rest of each is uniform again.
        up_BK, size_BK = np.divmod(2 * uniform_BK[:, 1 + largest :], 1)
        return places_BK, (2 * up_BK - 1) * between(size_BK, self.size)

    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return the windows with spikes added."""
        places_BK, heights_BK = drawn
        rows, spikes = np.nonzero(places_BK < window_BN.shape[1])
        added = (heights_BK * deviations(window_BN)).astype(np.float32)[rows, spikes]
        window_BN[rows, places_BK[rows, spikes]] += added
        return window_BN

    def _largest(self, window_length: int) -> int:
        """Return the largest number of spikes."""
        return int(self.largest_share * window_length)


PLUGIN = Spikes
