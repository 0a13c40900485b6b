"""The envelope of a band, which both envelope representations start from."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from motor.windows.representations.base import Representation

# The envelope of noise touches zero, where the logarithm has no floor: -80 dB below its root mean square.
FLOOR = 1e-4
# Less than this of the signal's root mean square is rounding, not signal.
SILENCE = 1e-10


class BandEnvelope(Representation):
    """Settings of the band.

    Parameters
    ----------
    band : (float, float)
        Lower and upper edge. The default is 0.5 to 25 kHz at 51.2 kHz.
    band_unit : {"nyquist", "hz"}
        Whether `band` is given as shares of the Nyquist frequency, which differ in Hz between
        recordings of different rates, or in Hz.
    amplitude : {"log", "linear"}
        The envelope's natural logarithm, where a gain is an offset that scaling removes and a fault's
        impacts do not drown all else; or the envelope itself, in the unit of the signal.
    """

    band: tuple[float, float] = (0.02, 0.977)
    band_unit: Literal["nyquist", "hz"] = Field(default="nyquist")
    amplitude: Literal["log", "linear"] = "log"

    @model_validator(mode="after")
    def _band_is_ordered(self) -> Self:
        low, high = self.band
        if not 0 <= low < high < np.inf:
            raise ValueError(f"band is {self.band}; it must be 0 <= lower edge < upper edge")
        if self.band_unit == "nyquist" and high > 1:
            raise ValueError(
                f"band is {self.band}; as shares of the Nyquist frequency it ends at 1, or set band_unit: hz"
            )
        return self

    def envelope(self, signal: np.ndarray, sampling_rate_hz: float) -> np.ndarray:
        """Return the band's envelope, or its natural logarithm, at the signal's own rate.

        Parameters
        ----------
        signal : ndarray of shape (n_samples,)
        sampling_rate_hz : float

        Returns
        -------
        ndarray of float64, shape (n_samples,)
            The logarithm is never lower than -80 dB under the envelope's root mean square.

        Raises
        ------
        ValueError
            If the band does not fit below the Nyquist frequency, or holds no signal.

        Notes
        -----
        Magnitude of the analytic signal, whose negative frequencies are zero (Marple, IEEE Transactions
        on Signal Processing 47(9), 1999); the band is cut out of the same spectrum.
        """
        low_hz, high_hz = self._band_hz(sampling_rate_hz)
        frequencies_hz = np.fft.rfftfreq(signal.size, 1 / sampling_rate_hz)
        # The mean has no envelope, so frequency 0 is left out even of a band that begins there.
        kept = (frequencies_hz >= low_hz) & (frequencies_hz <= high_hz) & (frequencies_hz > 0)
        one_sided = np.fft.rfft(signal.astype(np.float64)) * kept
        has_nyquist_bin = signal.size % 2 == 0
        one_sided[1 : -1 if has_nyquist_bin else None] *= 2
        envelope = np.abs(np.fft.ifft(one_sided, signal.size))
        level = float(np.sqrt(np.mean(envelope**2)))
        if level <= SILENCE * float(np.sqrt(np.mean(np.square(signal, dtype=np.float64)))):
            raise ValueError(
                f"the signal ({signal.size} samples at {sampling_rate_hz:g} Hz) is silent between {low_hz:g} and "
                f"{high_hz:g} Hz; choose another band or drop the series"
            )
        return np.log(np.maximum(envelope, FLOOR * level)) if self.amplitude == "log" else envelope

    def _band_hz(self, sampling_rate_hz: float) -> tuple[float, float]:
        """Return the band's edges in Hz, checked against the sampling rate."""
        low, high = self.band
        nyquist_hz = sampling_rate_hz / 2
        if self.band_unit == "nyquist":
            return low * nyquist_hz, high * nyquist_hz
        if high > nyquist_hz:
            raise ValueError(
                f"the band {low:g} to {high:g} Hz does not fit below the Nyquist frequency {nyquist_hz:g} Hz of a "
                f"signal at {sampling_rate_hz:g} Hz; lower its upper edge, or give the band with band_unit: nyquist"
            )
        return low, high
