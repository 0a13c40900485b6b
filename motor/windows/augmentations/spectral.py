"""Another gain for the upper part of the spectrum, as of another mounting of the sensor."""

from typing import ClassVar, Literal

import numpy as np

from motor.lazy import scipy
from motor.windows.augmentations.base import Augmentation, Drawn, Share, ShareInterval, between


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

    def n_uniforms(self, window_length: int) -> int:
        """See `Augmentation.n_uniforms`."""
        return 1

    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """See `Augmentation.draw`."""
        # Half of the numbers lower the gain, and the rest of each is uniform again.
        up_B1, size_B1 = np.divmod(2 * uniform_BK, 1)
        return ((1 + (2 * up_B1 - 1) * between(size_B1, self.gain)).astype(np.float32),)

    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return the windows with their upper frequencies rescaled, each by one factor."""
        (factor_B1,) = drawn
        n_samples = window_BN.shape[1]
        spectrum_BF = scipy.fft.rfft(window_BN)  # numpy's takes longer
        # Bins run from 0 to the Nyquist frequency at n_samples / 2.
        spectrum_BF[:, int(np.ceil(self.above_nyquist_share * n_samples / 2)) :] *= factor_B1
        changed_BN: np.ndarray = scipy.fft.irfft(spectrum_BF, n_samples, overwrite_x=True)
        return changed_BN


PLUGIN = Spectral
