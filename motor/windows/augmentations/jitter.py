"""Gaussian noise, as of a sensor."""

from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Drawn, Positive, deviations
from motor.windows.source import runs_of

N_NOISE = 1 << 20  # samples: 4 MB


class Jitter(Augmentation):
    """Add white Gaussian noise of deviation `sigma` times the window's own deviation.

    A window's noise is a run of a table of noise that begins at a random place, with a random sign: drawing 5000 normal
    numbers would take ten times as long as all else that is done to a window. (A table that is shared so: Salimans et
    al., "Evolution strategies as a scalable alternative to reinforcement learning", 2017, section 2.1.)

    Parameters
    ----------
    sigma : float
        Deviation of the noise, in the window's standard deviations.
    """

    order: ClassVar[int] = 60
    kind: Literal["jitter"] = "jitter"
    sigma: Positive = 0.01

    def n_uniforms(self, window_length: int) -> int:
        """See `Augmentation.n_uniforms`."""
        return 1

    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """See `Augmentation.draw`."""
        down_B1, place_B1 = np.divmod(2 * uniform_BK, 1)
        size_B1 = self.sigma * (1 - 2 * down_B1)
        return (place_B1[:, 0] * N_NOISE).astype(np.int64), size_B1.astype(np.float32)

    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return the windows plus noise."""
        place_B, size_B1 = drawn
        n_samples = window_BN.shape[1]
        noise_BN = runs_of(_noise(n_samples), n_samples)[place_B]
        noise_BN *= size_B1 * deviations(window_BN)
        noise_BN += window_BN
        return noise_BN


@lru_cache(maxsize=2)
def _noise(n_samples: int) -> np.ndarray:
    """Return white noise in which runs of some samples have `N_NOISE` places."""
    generator = np.random.Generator(np.random.PCG64(0))
    return generator.standard_normal(N_NOISE + n_samples - 1, dtype=np.float32)


PLUGIN = Jitter
