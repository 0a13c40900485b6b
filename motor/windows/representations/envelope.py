"""The (log) envelope of a band, at a low rate: what modulates the noise, without the noise."""

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.windows.representations.band import BandEnvelope
from motor.windows.representations.resampling import resample


class Envelope(BandEnvelope):
    """Hilbert envelope of a band, or its logarithm, brought to a rate in time.

    Parameters
    ----------
    rate_hz : float
        Sampling rate of the result, in Hz, at most the recording's.
    """

    sets_rate: ClassVar[bool] = True

    kind: Literal["envelope"] = "envelope"
    rate_hz: float = Field(default=3200.0, gt=0, allow_inf_nan=False)

    def represented_length(self, n_samples: int, sampling_rate_hz: float | None) -> int | None:
        """Return the samples at `rate_hz`, where the recording's rate is known."""
        return math.ceil(n_samples * self.rate_hz / sampling_rate_hz) if sampling_rate_hz else None

    def represent(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None
    ) -> tuple[np.ndarray, float]:
        """Return the envelope at `rate_hz`.

        The logarithm comes first: the filter against aliases could swing below zero after it.
        """
        return resample(self.envelope(signal, sampling_rate_hz), sampling_rate_hz, self.rate_hz), self.rate_hz


PLUGIN = Envelope
