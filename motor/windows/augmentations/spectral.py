"""Another gain for the upper part of the spectrum, as of another mounting of the sensor."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Share, ShareInterval


class Spectral(Augmentation):
    """Raise or lower all frequencies from `above_nyquist_share` on.

    Parameters
    ----------
    gain : (float, float)
        Interval of the relative change of gain; 0.05 to 0.10 means 5 to 10 % up or down.
    above_nyquist_share : float
        Where the upper part begins, as a share of the Nyquist frequency.
    """

    order: ClassVar[int] = 20
    kind: Literal["spectral"] = "spectral"
    gain: ShareInterval = (0.05, 0.10)
    above_nyquist_share: Share = 0.5

    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return the window with its upper frequencies rescaled by one factor."""
        sign = generator.choice([-1.0, 1.0])
        factor = np.float32(1 + sign * generator.uniform(*self.gain))
        spectrum = np.fft.rfft(window_T)
        # Bins run from 0 to the Nyquist frequency at size / 2.
        spectrum[int(np.ceil(self.above_nyquist_share * window_T.size / 2)) :] *= factor
        return np.fft.irfft(spectrum, window_T.size)


PLUGIN = Spectral
