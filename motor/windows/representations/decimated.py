"""The signal at a lower rate."""

from typing import Literal

import numpy as np
from pydantic import Field

from motor.windows.representations.base import Representation
from motor.windows.representations.resampling import resample


class Decimated(Representation):
    """Keep every `factor`-th sample, after a zero-phase filter against aliases.

    Parameters
    ----------
    factor : int
        How many times fewer samples, 2 or more.
    """

    kind: Literal["decimated"] = "decimated"
    factor: int = Field(default=4, ge=2, le=4096)

    def represented_length(self, n_samples: int, sampling_rate_hz: float | None) -> int | None:
        """Return how many samples are kept."""
        return -(-n_samples // self.factor)

    def represent(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None
    ) -> tuple[np.ndarray, float]:
        """Return the filtered signal at ``sampling_rate_hz / factor``."""
        new_rate_hz = sampling_rate_hz / self.factor
        return resample(signal, sampling_rate_hz, new_rate_hz), new_rate_hz


PLUGIN = Decimated
