"""Order features: the envelope spectrum in orders of the shaft, as prominence over its floor."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from motor.features.base import RecordingFeature, revolution_faults
from motor.features.envelope_spectrum import (
    Prewhitening,
    Turning,
    by_turns,
    centred,
    harmonic_families,
    log_envelopes,
    order_power,
    prominence_db,
)

if TYPE_CHECKING:
    import pandas as pd


class Orders(RecordingFeature):
    """Families of orders of the shaft in the envelope spectra of a few bands.

    A fault of a bearing, a gear or a rotor strikes at fixed multiples of the shaft's frequency and makes a resonance
    ring, so it shows in the envelope of that resonance's band (Randall and Antoni 2011, Mechanical Systems and Signal
    Processing 25, 485-520). Its severity and the sensor's gain change strengths; its orders stay. So strength is cut
    off at `ceiling_db`: a line is there or it is not. A column is the mean over an order and its multiples. The
    speed is taken as constant over a recording. The default ceiling is the height that one in a hundred lines of noise
    reaches in a single segment (power is exponential: 10 log10(ln 100 / ln 2) = 8.2 dB over the median). Defaults were
    chosen with HIT-SM's folds in sight; neighbouring settings scored .91 to 1.00 there.
    """

    kind: Literal["orders"] = "orders"
    looks_at_lines: ClassVar[bool] = True
    takes_turning: ClassVar[bool] = True
    bands: tuple[tuple[float, float], ...] = Field(
        default=((0.02, 0.977), (0.02, 0.08), (0.08, 0.3), (0.3, 0.977)),
        min_length=1,
        description="bands whose envelopes are taken: lower and upper edge, as shares of the Nyquist frequency",
    )
    lowest_order: float = Field(default=0.5, gt=0, description="first fundamental, in orders of the shaft")
    highest_order: float = Field(default=10.0, gt=0, description="last fundamental, in orders of the shaft")
    n_harmonics: int = Field(default=3, ge=1, description="multiples of a fundamental in its mean, itself included")
    revolutions: int = Field(default=8, ge=2, description="of a segment; orders lie 1 / revolutions apart")
    floor_orders: float = Field(default=2.0, gt=0, description="orders over which the median is the floor")
    ceiling_db: float = Field(default=8.0, gt=0, description="prominence over the floor that counts as fully there")
    prewhitening: Prewhitening = "none"

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> Self:
        for low, high in self.bands:
            if not 0 <= low < high <= 1:
                raise ValueError(f"a band is ({low}, {high}); it must be 0 <= lower edge < upper edge <= 1 (Nyquist)")
        if not self.lowest_order <= self.highest_order:
            raise ValueError(f"lowest_order is {self.lowest_order}, over highest_order {self.highest_order}")
        return self

    def faults(self, meta: "pd.DataFrame") -> Iterator[str]:
        fewest = meta["n_samples"] / meta["sampling_rate_hz"] * meta["speed_rpm"] / 60
        fits = int(fewest.min()) if fewest.notna().any() else 0
        step = f"set features.orders.revolutions to {fits}, or " if fits >= 2 else ""
        yield from revolution_faults(self.kind, meta, self.revolutions, f"{step}take method physics")

    def from_recording(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None, turning: Turning | None = None
    ) -> dict[str, float]:
        """Return a column ``order_<order>_band_<number>`` for each fundamental and band (see `RecordingFeature`).

        Raises
        ------
        ValueError
            If the speed is not known, the recording holds too few revolutions or too few samples a revolution, or
            a band is silent.
        """
        speed_hz = self._speed(speed_rpm) / 60
        samples_per_revolution = sampling_rate_hz / (turning.fastest_hz if turning else speed_hz)
        first, last = round(self.lowest_order * self.revolutions), round(self.highest_order * self.revolutions)
        half_width = max(1, round(self.floor_orders * self.revolutions / 2))
        n_orders = last * self.n_harmonics + self.n_harmonics // 2 + half_width + 1
        self._check_rate(n_orders, samples_per_revolution, sampling_rate_hz)
        columns = {}
        envelopes = log_envelopes(centred(signal), self.bands, self.prewhitening)
        for number, envelope in enumerate(envelopes, 1):
            values, per_turn = by_turns(envelope, sampling_rate_hz, speed_hz, turning)
            power = order_power(values, per_turn, self.revolutions, n_orders)
            prominence = np.clip(prominence_db(power, half_width), 0.0, self.ceiling_db)
            families = harmonic_families(prominence, first, last, self.n_harmonics)
            for place, value in enumerate(families.tolist(), first):
                columns[f"order_{place / self.revolutions:06.3f}_band_{number}"] = value
        return columns

    def _speed(self, speed_rpm: float | None) -> float:
        """Return the speed, if there is one."""
        # A table's missing speed arrives as NaN, which is not > 0 either.
        if speed_rpm is None or not 0 < speed_rpm < np.inf:
            raise ValueError(
                f"feature orders needs speed_rpm > 0 of every recording, but it is {speed_rpm}; give the reader a "
                "column, a pattern or a constant for speed_rpm, or let it be estimated"
            )
        return speed_rpm

    def _check_rate(self, n_orders: int, samples_per_revolution: float, sampling_rate_hz: float) -> None:
        """Raise ValueError if the orders do not fit below the Nyquist frequency."""
        needed = (n_orders - 1) / self.revolutions
        if needed > samples_per_revolution / 2:
            raise ValueError(
                f"highest_order {self.highest_order:g} with n_harmonics {self.n_harmonics} needs orders up to "
                f"{needed:.1f}; at {sampling_rate_hz:g} Hz there are {samples_per_revolution:.1f} samples a "
                f"revolution, so orders up to {samples_per_revolution / 2:.1f}; set highest_order or n_harmonics lower"
            )


PLUGIN = Orders
