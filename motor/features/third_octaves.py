"""The shape of the spectrum in third octaves of hertz, the same bands for every sampling rate."""

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field

from motor.features.base import RecordingFeature
from motor.features.envelope_spectrum import centred
from motor.features.hertz import band_levels_db, highest_common_hz, octave_edges_hz

if TYPE_CHECKING:
    import pandas as pd


class ThirdOctaves(RecordingFeature):
    """Level of each third of an octave over the mean of all, in decibels: a gain cancels.

    The bands lie as IEC 61260-1 divides octaves (base 2, from `lowest_hz` up), in hertz, so that one machine gives the
    same columns at every sampling rate; they end at `highest_hz`, or below where the lowest rate of the data ends.
    Feature ``spectrum`` counts down from each recording's own Nyquist frequency instead.
    """

    kind: Literal["third_octaves"] = "third_octaves"
    bands_per_octave: int = Field(default=3, ge=1, le=24, description="bands in each octave")
    lowest_hz: float = Field(default=50.0, gt=0, description="lower edge of the first band")
    highest_hz: float = Field(default=5500.0, gt=0, description="upper edge of the last band, at most")

    def settled(self, meta: "pd.DataFrame") -> Self:
        """Return it with bands that the lowest sampling rate holds."""
        highest_hz = min(self.highest_hz, highest_common_hz(meta["sampling_rate_hz"]))
        return self.model_copy(update={"highest_hz": highest_hz})

    def from_recording(self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None) -> dict[str, float]:
        """Return a column ``third_octave_<lower edge>_hz`` for each band, lowest first (see `RecordingFeature`).

        Raises
        ------
        ValueError
            If there are fewer than two bands, or the rate is too low for the last.
        """
        edges_hz = octave_edges_hz(self.lowest_hz, self.highest_hz, self.bands_per_octave)
        levels_db = band_levels_db(centred(signal), sampling_rate_hz, edges_hz)
        levels_db -= levels_db.mean()
        names = (f"third_octave_{edge:09.3f}_hz" for edge in edges_hz[:-1])
        return dict(zip(names, levels_db.tolist(), strict=True))


PLUGIN = ThirdOctaves
