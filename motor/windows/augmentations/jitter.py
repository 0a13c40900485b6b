"""Gaussian noise, as of a sensor."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Positive


class Jitter(Augmentation):
    """Add white Gaussian noise of deviation `sigma` times the window's own deviation.

    Parameters
    ----------
    sigma : float
        Deviation of the noise, in the window's standard deviations.
    """

    order: ClassVar[int] = 60
    kind: Literal["jitter"] = "jitter"
    sigma: Positive = 0.01

    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return the window plus noise."""
        noise_T = generator.standard_normal(window_T.size, dtype=np.float32)
        noise_T *= np.float32(self.sigma) * window_T.std()
        noise_T += window_T
        return noise_T


PLUGIN = Jitter
