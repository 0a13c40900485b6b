"""A log spectrum in bands of a part of an octave, whatever the gain."""

from typing import Literal

import numpy as np
from pydantic import Field

from motor.features.base import RecordingFeature
from motor.features.envelope_spectrum import SILENCE, centred
from motor.lazy import scipy


class Spectrum(RecordingFeature):
    """The shape of the spectrum: level of each band over the mean level of all bands, in decibels.

    Bands of equal ratio down from `highest`, a share of the Nyquist frequency (as IEC 61260-1 divides octaves, with
    base 2 and another anchor); power by Welch's method (1967, IEEE Transactions on Audio and Electroacoustics 15(2),
    70-73). A gain adds the same to all bands and so cancels. Few and broad on purpose: with few motors, fine bands
    describe the machine; and only the upper octaves, where faults ring: lower ones describe hum and the measuring chain
    (on HIT-SM, order features and 6 to 9 octaves gave LDA .76 to 1.00 on one rig by chance of the bands; 4 or 5
    octaves .95 to 1.00).
    """

    kind: Literal["spectrum"] = "spectrum"
    bands_per_octave: int = Field(default=3, ge=1, le=24, description="bands in each octave")
    n_octaves: int = Field(default=4, ge=1, description="octaves down from `highest`")
    highest: float = Field(default=0.977, gt=0, le=1, description="upper edge, as a share of the Nyquist frequency")

    def from_recording(self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None) -> dict[str, float]:
        """Return a column ``spectrum_<lower edge>`` for each band, lowest first (see `RecordingFeature`).

        Raises
        ------
        ValueError
            If the recording is too short to resolve the lowest band.
        """
        n_bands = self.bands_per_octave * self.n_octaves
        edges = self.highest * 2.0 ** (np.arange(-n_bands, 1) / self.bands_per_octave)
        values = centred(signal)
        length = 2 ** int(np.ceil(np.log2(4 / (edges[1] - edges[0]))))
        if values.size < length:
            raise ValueError(
                f"feature spectrum needs {length} samples to resolve its lowest band, but a recording has "
                f"{values.size}; set n_octaves or bands_per_octave lower"
            )
        share_of_nyquist, density = scipy.signal.welch(values, fs=2.0, nperseg=length)
        power = np.diff(np.interp(edges, share_of_nyquist, np.cumsum(density)))
        level_db = 10.0 * np.log10(np.maximum(power / np.diff(edges), SILENCE**2 * density.sum()))
        level_db -= level_db.mean()
        return {f"spectrum_{edge:.6f}": level for edge, level in zip(edges[:-1], level_db.tolist(), strict=True)}


PLUGIN = Spectrum
