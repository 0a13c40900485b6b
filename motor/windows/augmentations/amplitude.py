"""A random gain."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Drawn, Interval, between


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

    def n_uniforms(self, window_length: int) -> int:
        """See `Augmentation.n_uniforms`."""
        return 1

    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """See `Augmentation.draw`."""
        return (between(uniform_BK, self.factor).astype(np.float32),)

    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return the windows times their factors."""
        (factor_B1,) = drawn
        window_BN *= factor_B1
        return window_BN


PLUGIN = Amplitude
