"""Sparse spikes, as sparking at the brushes makes."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.windows.augmentations.base import Augmentation, Interval


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

    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return the window with spikes added."""
        changed_T = window_T.copy()
        largest = int(self.largest_share * window_T.size)
        if largest < 1:
            return changed_T
        count = int(generator.integers(1, largest, endpoint=True))
        places = generator.choice(window_T.size, count, replace=False)
        heights = generator.uniform(*self.size, count) * generator.choice([-1.0, 1.0], count)
        changed_T[places] += (heights * window_T.std()).astype(np.float32)
        return changed_T


PLUGIN = Spikes
