"""How far the lines of a machine's known parts stand out: some twenty named columns."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from motor.features.base import MachineFeature, revolution_faults
from motor.features.envelope_spectrum import (
    OrderHeights,
    Prewhitening,
    Turning,
    band_envelopes,
    by_turns,
    centred,
    log_envelope,
)
from motor.features.hertz import HIGHER_BANDS_HZ, HigherBands, highest_common_hz, with_higher

if TYPE_CHECKING:
    import pandas as pd

SLIP_STEP = 1e-3
OF_BEARING: dict[str, float | str] = {"cage": 1.0, "ball": "cage", "outer_race": 1.0, "inner_race": 1.0}
"""Parts that slip -> the order of their sidebands, or the part that is it."""


class Lines(MachineFeature):
    """The height over its floor of each part's family of lines, in decibels.

    A part shows at its order, from `dataset.machines` and the speed, at multiples and with sidebands. Bearings slip, so
    one factor within `slip` is searched for each part: the one of the highest family. Envelopes are those of a few
    bands, of which the highest family counts; the spectrum is that of the signal.
    """

    kind: Literal["lines"] = "lines"
    looks_at_lines: ClassVar[bool] = True
    takes_turning: ClassVar[bool] = True
    REACH: ClassVar[float] = 0.015
    """How far from its place a line is looked for, as orders."""

    bands_hz: tuple[tuple[float, float], ...] = Field(
        default=((500.0, 1500.0), (1500.0, 3000.0), (3000.0, 5500.0)),
        min_length=1,
        description="bands whose envelopes are taken, in hertz; cut or shrunk where the lowest rate ends below",
    )
    higher_bands_hz: HigherBands = HIGHER_BANDS_HZ
    n_harmonics: int = Field(default=3, ge=1, description="multiples of an order in its family, itself included")
    slip: float = Field(default=0.02, ge=0, lt=0.2, description="share by which a bearing's orders may be off")
    floor_orders: float = Field(default=1.0, gt=0, description="orders over which the median is the floor")
    prewhitening: Prewhitening = "none"

    def settled(self, meta: "pd.DataFrame") -> Self:
        """Return it with bands that the lowest sampling rate holds."""
        bands = with_higher(self.bands_hz, self.higher_bands_hz, highest_common_hz(meta["sampling_rate_hz"]))
        return self.model_copy(update={"bands_hz": bands, "higher_bands_hz": ()})

    def faults(self, meta: "pd.DataFrame") -> Iterator[str]:
        yield from revolution_faults(self.kind, meta, 2.0, "give longer recordings (dataset.series_length)")

    def from_machine(
        self,
        signal: np.ndarray,
        sampling_rate_hz: float,
        speed_rpm: float | None,
        components: Mapping[str, float | None],
        turning: Turning | None = None,
    ) -> dict[str, float]:
        """Return the columns ``<part>_envelope``, ``<part>_spectrum`` and, of a bearing's, ``<part>_sidebands``.

        A part that this machine has not is 0 dB; see `MachineFeature`.
        """
        assert speed_rpm is not None
        speed_hz = speed_rpm / 60
        known = [order for order in components.values() if order]
        shown = (max(known) * self.n_harmonics + 1) * (1 + self.slip) + self.floor_orders
        values = centred(signal)
        least_hz = 2.1 * shown * (turning.fastest_hz if turning else speed_hz)
        bands = band_envelopes(values, sampling_rate_hz, self.bands_hz, least_hz, self.prewhitening)
        in_turns = [by_turns(log_envelope(band.magnitude), band.rate_hz, speed_hz, turning) for band in bands]
        envelopes = [self._heights(*one, shown) for one in in_turns]
        whole = self._heights(*by_turns(values, sampling_rate_hz, speed_hz, turning), shown)
        columns: dict[str, float] = {}
        for name, order in components.items():
            columns |= self._of_part(name, order, components, envelopes, whole)
        return columns

    def _heights(self, values: np.ndarray, samples_per_revolution: float, shown: float) -> OrderHeights:
        return OrderHeights.of(values, samples_per_revolution, shown, self.floor_orders, self.REACH)

    def _of_part(
        self,
        name: str,
        order: float | None,
        components: Mapping[str, float | None],
        envelopes: list[OrderHeights],
        whole: OrderHeights,
    ) -> dict[str, float]:
        """Return the columns of one part."""
        if name == "shaft":
            return {
                f"shaft_{k}x_{kind}": max(one.height(np.array([float(k)])) for one in spectra)
                for k in (1, 2, 3)
                for kind, spectra in (("envelope", envelopes), ("spectrum", [whole]))
            }
        slips = name in OF_BEARING
        if not order:
            return {f"{name}_{kind}": 0.0 for kind in ("envelope", "spectrum", *(("sidebands",) if slips else ()))}
        factors = 1 + np.arange(-self.slip, self.slip + SLIP_STEP / 2, SLIP_STEP) if slips else np.ones(1)
        families = order * np.arange(1, self.n_harmonics + 1)
        found = [(one.height(families * factor), factor, one) for one in envelopes for factor in factors]
        height, factor, band = max(found, key=lambda one: one[0])
        columns = {f"{name}_envelope": height, f"{name}_spectrum": whole.height(families * factor)}
        if slips:
            of = OF_BEARING[name]
            apart = (components.get(of) or 1.0) if isinstance(of, str) else of
            beside = np.array([order * factor - apart, order * factor + apart])
            columns[f"{name}_sidebands"] = band.height(beside[beside > 0])
        return columns


PLUGIN = Lines
