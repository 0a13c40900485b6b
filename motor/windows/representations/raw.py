"""The signal as it was measured."""

from typing import Literal

import numpy as np

from motor.windows.representations.base import Representation


class Raw(Representation):
    """Leave the signal and its rate as they are."""

    kind: Literal["raw"] = "raw"

    def represented_length(self, n_samples: int, sampling_rate_hz: float | None) -> int | None:
        """Return `n_samples`."""
        return n_samples

    def represent(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None
    ) -> tuple[np.ndarray, float]:
        """Return both unchanged, without a copy."""
        return signal, sampling_rate_hz


PLUGIN = Raw
