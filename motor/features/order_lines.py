"""Lines of the envelope in orders of the shaft, in bands that are the same for every sampling rate."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from motor.features.base import RecordingFeature, revolution_faults
from motor.features.envelope_spectrum import (
    Prewhitening,
    Turning,
    band_envelopes,
    by_turns,
    centred,
    log_envelope,
    prominence_db,
)
from motor.features.hertz import HIGHER_BANDS_HZ, HigherBands, highest_common_hz, with_higher
from motor.lazy import scipy

if TYPE_CHECKING:
    import pandas as pd

NOMINAL_RPM = 1800.0
"""Where no recording has a speed, an order is a thirtieth of a second's: the columns are then fixed in hertz."""
RESOLVED = 10.0
"""Lines, as the recording's length resolves them, that the median is taken over at least."""
FEWEST_REVOLUTIONS = 2.0
"""Of the shaft, in a recording: below, a line is as wide as the fundamentals are apart."""


class OrderLines(RecordingFeature):
    """The largest line in each small step of orders, in the envelope spectra of a few bands.

    A fault of a bearing, a gear or a rotor strikes at fixed multiples of the shaft's frequency and makes a resonance
    ring, so it shows in the envelope of that resonance's band (Randall and Antoni 2011, Mechanical Systems and Signal
    Processing 25, 485-520). Bands stand in hertz, so that one machine gives the same columns at every sampling rate.
    The whole recording is one segment: lines are as narrow as its length allows, each as decibels over a running
    median. Rolling elements slip, so one part's line has another order in each machine: a step holds the largest line
    within `slip` of it. It is cut off at `ceiling_db`: a line is there or it is not, and how tall it is, severity and
    mounting decide. Both were chosen on simulated plants (docs/physics.md). Where no recording of the data has a speed,
    steps are fixed in hertz (see `NOMINAL_RPM`), which serves machines of one speed.
    """

    kind: Literal["order_lines"] = "order_lines"
    looks_at_lines: ClassVar[bool] = True
    takes_turning: ClassVar[bool] = True
    BEFORE: ClassVar[Mapping[str, Any]] = {"slip": 0.0, "ceiling_db": None}
    bands_hz: tuple[tuple[float, float], ...] = Field(
        default=((500.0, 1500.0), (1500.0, 3000.0), (3000.0, 5500.0), (500.0, 5500.0)),
        min_length=1,
        description="bands whose envelopes are taken; where the lowest sampling rate of the data ends below the last, "
        "they are cut or, where that would leave little, shrunk together",
    )
    higher_bands_hz: HigherBands = HIGHER_BANDS_HZ
    lowest_order: float = Field(default=0.5, gt=0, description="first step, in orders of the shaft")
    highest_order: float = Field(default=12.0, gt=0, description="last step, in orders of the shaft")
    order_step: float = Field(default=0.05, gt=0, description="width of a step, which becomes a column a band")
    line: Literal["largest", "mean"] = Field(default="largest", description="what is kept of a step")
    floor_orders: float = Field(
        default=1.0, gt=0, description="orders over which the median is the floor; more where a recording is short"
    )
    order_of: Literal["shaft", "hertz"] = Field(
        default="shaft", description="``hertz``: an order is 30 Hz whatever the speed; taken where no speed is known"
    )
    slip: float = Field(
        default=0.02,
        ge=0,
        lt=0.2,
        description="share of its order within which a step looks for lines, beyond its ends",
    )
    ceiling_db: float | None = Field(
        default=12.0,
        gt=0,
        description="height over the floor that counts as fully there; of noise, one line in 60,000 has 12 dB",
    )
    prewhitening: Prewhitening = "none"

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> Self:
        for low, high in self.bands_hz:
            if not 0 <= low < high:
                raise ValueError(f"a band is ({low:g}, {high:g}) Hz; it must be 0 <= lower edge < upper edge")
        if not self.lowest_order < self.highest_order:
            raise ValueError(f"lowest_order is {self.lowest_order}, not below highest_order {self.highest_order}")
        return self

    def settled(self, meta: "pd.DataFrame") -> Self:
        """Return it with bands that the lowest sampling rate holds, and steps in hertz where no speed is known."""
        bands = with_higher(self.bands_hz, self.higher_bands_hz, highest_common_hz(meta["sampling_rate_hz"]))
        order_of = "hertz" if meta["speed_rpm"].isna().all() else self.order_of
        return self.model_copy(update={"bands_hz": bands, "higher_bands_hz": (), "order_of": order_of})

    def faults(self, meta: "pd.DataFrame") -> Iterator[str]:
        if self.settled(meta).order_of == "shaft":
            advice = "give longer recordings (dataset.series_length), or take methods spectrum and classical"
            yield from revolution_faults(self.kind, meta, FEWEST_REVOLUTIONS, advice)

    def from_recording(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None, turning: Turning | None = None
    ) -> dict[str, float]:
        """Return a column ``line_<order>_band_<number>`` for each step and band, in dB (see `RecordingFeature`).

        Raises
        ------
        ValueError
            If the speed is not known, the recording holds too few revolutions, or a band lies above its Nyquist
            frequency or is silent.
        """
        speed_hz = self._speed_rpm(speed_rpm) / 60
        self._check_length(signal.size / sampling_rate_hz * speed_hz)
        first, last = self._ends()
        shown = last[-1] + self.floor_orders + 1  # beyond the last step the floor is still to be seen
        columns: dict[str, float] = {}
        turning = turning if self.order_of == "shaft" else None
        least_hz = 2.1 * shown * (turning.fastest_hz if turning else speed_hz)
        bands = band_envelopes(centred(signal), sampling_rate_hz, self.bands_hz, least_hz, self.prewhitening)
        for number, band in enumerate(bands, 1):
            place, height_db = self._spectrum(
                *by_turns(log_envelope(band.magnitude), band.rate_hz, speed_hz, turning), shown
            )
            height_db = np.minimum(height_db, self.ceiling_db or np.inf)
            columns |= self._named(height_db, np.searchsorted(place, first), np.searchsorted(place, last), number)
        return columns

    def _ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Return where each step begins and ends, in orders."""
        n_steps = round((self.highest_order - self.lowest_order) / self.order_step) + 1
        edges = self.lowest_order + (np.arange(n_steps + 1) - 0.5) * self.order_step
        slipped = self.slip * self._orders(n_steps)
        return edges[:-1] - slipped, edges[1:] + slipped

    def _orders(self, n_steps: int) -> np.ndarray:
        return self.lowest_order + np.arange(n_steps) * self.order_step

    def _spectrum(
        self, envelope: np.ndarray, samples_per_revolution: float, shown: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return orders, half a step apart at most, and the height of each over its floor in dB."""
        revolutions = envelope.size / samples_per_revolution
        finer = max(1.0, 2.0 / (self.order_step * revolutions))
        n_padded = scipy.fft.next_fast_len(int(np.ceil(envelope.size * finer)), real=True)
        window = np.hanning(envelope.size + 1)[:-1]
        spacing = samples_per_revolution / n_padded
        n_kept = min(n_padded // 2 + 1, int(shown / spacing) + 2)
        power = np.abs(scipy.fft.rfft((envelope - envelope.mean()) * window, n_padded)[:n_kept]) ** 2
        width = max(self.floor_orders, RESOLVED / revolutions)
        return np.arange(n_kept) * spacing, np.maximum(prominence_db(power, max(2, round(width / 2 / spacing))), 0.0)

    def _named(self, height_db: np.ndarray, first: np.ndarray, last: np.ndarray, number: int) -> dict[str, float]:
        """Return the columns of one band, given the places where each step begins and the next ones would."""
        ends = np.stack([first, last], axis=1).ravel()  # every other one of reduceat's segments is a step
        of_step = np.maximum.reduceat(height_db, ends)[::2]
        if self.line == "mean":
            of_step = np.add.reduceat(height_db, ends)[::2] / (last - first)
        orders = self._orders(of_step.size)
        unit, factor = ("hz", NOMINAL_RPM / 60) if self.order_of == "hertz" else ("order", 1.0)
        names = (f"line_{unit}_{order * factor:07.3f}_band_{number}" for order in orders.tolist())
        return dict(zip(names, of_step.tolist(), strict=True))

    def _speed_rpm(self, speed_rpm: float | None) -> float:
        """Return the speed that an order is a multiple of."""
        if self.order_of == "hertz":
            return NOMINAL_RPM
        # A table's missing speed arrives as NaN, which is not > 0 either.
        if speed_rpm is None or not 0 < speed_rpm < np.inf:
            raise ValueError(
                f"feature {self.kind} needs speed_rpm > 0 of every recording or of none, but here it is {speed_rpm}; "
                "give the reader a column, a pattern or a constant for speed_rpm, set speed: {source: either}, or "
                f"features.{self.kind}.order_of: hertz"
            )
        return speed_rpm

    def _check_length(self, revolutions: float) -> None:
        """Raise ValueError if lines could not be told apart."""
        if revolutions < FEWEST_REVOLUTIONS:
            raise ValueError(
                f"feature {self.kind}: the recording holds {revolutions:.2f} revolutions of the shaft, and lines need "
                f"{FEWEST_REVOLUTIONS:g}; give longer recordings (dataset.series_length), or take this feature out of "
                "the method"
            )


PLUGIN = OrderLines
