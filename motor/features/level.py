"""How strong a signal is: what a plant's own alarm lives on."""

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field

from motor.features.base import RecordingFeature
from motor.features.envelope_spectrum import centred
from motor.features.hertz import band_levels_db, highest_common_hz, octave_edges_hz

if TYPE_CHECKING:
    import pandas as pd

VELOCITY_HZ = (10.0, 1000.0)
"""Band of the velocity, as ISO 20816-1:2016 takes it for speeds of 600 r/min and more."""
UNSETTLED_HZ = 5500.0
"""Upper edge where no data has decided it."""


class Level(RecordingFeature):
    """Root mean square, the level of each third octave, and velocity, in decibels of the signal's own unit.

    A gain enters, and a mounting: so levels tell one machine from another before they tell a fault, and are for the
    comparison of a machine with its own past (``own_reference``), or for data of one calibrated chain.
    """

    kind: Literal["level"] = "level"
    bands_per_octave: int = Field(default=3, ge=1, le=24, description="bands in each octave")
    lowest_hz: float = Field(default=50.0, gt=0, description="lower edge of the first band")
    highest_hz: float | None = Field(
        default=None, gt=0, description="upper edge of the last band, at most; ``null``: the lowest rate's end decides"
    )

    def settled(self, meta: "pd.DataFrame") -> Self:
        """Return it with bands that the lowest sampling rate holds."""
        highest_hz = min(self.highest_hz or np.inf, highest_common_hz(meta["sampling_rate_hz"]))
        return self.model_copy(update={"highest_hz": highest_hz})

    def from_recording(self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None) -> dict[str, float]:
        """Return ``level_rms``, ``level_velocity`` and ``level_<lower edge>_hz`` in dB (see `RecordingFeature`).

        Velocity is that of an acceleration: its spectrum over 2 pi f, from 10 to 1000 Hz, or to where the rate ends.
        """
        values = centred(signal)
        edges_hz = octave_edges_hz(self.lowest_hz, self.highest_hz or UNSETTLED_HZ, self.bands_per_octave)
        levels_db = band_levels_db(values, sampling_rate_hz, edges_hz)
        columns = {
            "level_rms": float(10 * np.log10(np.mean(values**2))),
            "level_velocity": velocity_db(values, sampling_rate_hz),
        }
        return columns | {
            f"level_{edge:09.3f}_hz": level for edge, level in zip(edges_hz[:-1], levels_db.tolist(), strict=True)
        }


def velocity_db(values: np.ndarray, sampling_rate_hz: float) -> float:
    """Return the level of the velocity from 10 to 1000 Hz, in dB of the unit of an acceleration's integral (m/s).

    By division of the spectrum by 2 pi f (Randall 2011, Vibration-based Condition Monitoring, section 3.1), on a Hann
    window, whose power is made up for.
    """
    window = np.hanning(values.size + 1)[:-1]
    spectrum = np.fft.rfft(values * window)
    frequencies_hz = np.arange(spectrum.size) * sampling_rate_hz / values.size
    within = (frequencies_hz >= VELOCITY_HZ[0]) & (frequencies_hz <= VELOCITY_HZ[1])
    power = 2 * np.abs(spectrum[within] / (2 * np.pi * frequencies_hz[within])) ** 2
    mean_square = power.sum() / values.size / np.sum(window**2)
    return float(10 * np.log10(max(mean_square, np.finfo(np.float64).tiny)))


PLUGIN = Level
