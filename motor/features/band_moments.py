"""How impulsive a signal is in a few bands of hertz."""

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from motor.features.base import RecordingFeature
from motor.features.envelope_spectrum import band_envelopes, centred
from motor.features.hertz import common_bands, highest_common_hz

if TYPE_CHECKING:
    import pandas as pd


class BandMoments(RecordingFeature):
    """Kurtosis, crest and shape of the envelope of each band, as logarithms: no gain and no rate enters.

    The kurtosis of a band's envelope is the spectral kurtosis there (Antoni 2006, Mechanical Systems and Signal
    Processing 20, 282-307, but for its 2): 2 for noise, more where something strikes.
    """

    kind: Literal["band_moments"] = "band_moments"
    bands_hz: tuple[tuple[float, float], ...] = Field(
        default=((50.0, 500.0), (500.0, 1500.0), (1500.0, 3000.0), (3000.0, 5500.0), (50.0, 5500.0)),
        min_length=1,
        description="bands, in hertz; cut or shrunk together where the lowest sampling rate of the data ends below",
    )

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> Self:
        for low, high in self.bands_hz:
            if not 0 <= low < high:
                raise ValueError(f"a band is ({low:g}, {high:g}) Hz; it must be 0 <= lower edge < upper edge")
        return self

    def settled(self, meta: "pd.DataFrame") -> Self:
        """Return it with bands that the lowest sampling rate holds."""
        bands = common_bands(self.bands_hz, highest_common_hz(meta["sampling_rate_hz"]))
        return self.model_copy(update={"bands_hz": bands})

    def from_recording(self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None) -> dict[str, float]:
        """Return three columns a band (see `RecordingFeature`).

        They are ``kurtosis_``, ``crest_`` (largest over root mean square) and ``shape_band_<number>`` (root mean square
        over mean).

        Raises
        ------
        ValueError
            If a band lies above the Nyquist frequency, or is silent.
        """
        columns: dict[str, float] = {}
        for number, band in enumerate(band_envelopes(centred(signal), sampling_rate_hz, self.bands_hz), 1):
            power = band.magnitude**2
            mean_power = power.mean()
            columns[f"kurtosis_band_{number}"] = float(np.log(np.mean(power**2) / mean_power**2))
            columns[f"crest_band_{number}"] = float(np.log(power.max() / mean_power) / 2)
            columns[f"shape_band_{number}"] = float(np.log(mean_power / band.magnitude.mean() ** 2) / 2)
        return columns


PLUGIN = BandMoments
