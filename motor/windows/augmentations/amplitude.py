"""A random gain."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Interval


class Amplitude(Augmentation):
    """Multiply the window by one number, drawn uniformly from `factor`.

    The window is already scaled, so its level is near zero and hardly moves. A forecaster that
    normalises every window (Chronos does) hears no difference.

    Parameters
    ----------
    factor : (float, float)
        Interval of the factor.
    """

    order: ClassVar[int] = 50
    kind: Literal["amplitude"] = "amplitude"
    factor: Interval = (0.9, 1.1)

    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return the window times the factor."""
        return window_T * np.float32(generator.uniform(*self.factor))


PLUGIN = Amplitude
