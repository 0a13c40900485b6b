"""Lines of the envelope in orders of the shaft, in the bands where training motors show the most of them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field

from motor.features.envelope_spectrum import Turning
from motor.features.hertz import highest_common_hz
from motor.features.order_lines import OrderLines

if TYPE_CHECKING:
    import pandas as pd

SCORE = "negentropy_band_"
STRONGEST = 0.75
"""Of the training motors' scores, the quantile that a band is judged by: some motors show lines, many none."""


class FoundLines(OrderLines):
    """The columns of ``order_lines`` in the few of many bands that were found to hold lines.

    A resonance is where a machine's build puts it. Of each fold the bands are taken whose envelope spectra are the
    most uneven on its training motors, labels not looked at: by the negentropy of the envelope's spectrum (the
    infogram: Antoni 2016, Mechanical Systems and Signal Processing 74, 73-94), which is 0 for a flat one. Test motors
    are described in the bands of their fold, as new ones are.
    """

    kind: Literal["found_lines"] = "found_lines"  # type: ignore[assignment]
    bands_hz: tuple[tuple[float, float], ...] = Field(
        default=(
            (250.0, 750.0),
            (500.0, 1500.0),
            (1000.0, 2000.0),
            (1500.0, 3000.0),
            (2000.0, 4000.0),
            (3000.0, 5500.0),
        ),
        min_length=1,
        description="bands to choose from, in hertz; those that end above what the lowest sampling rate of the data "
        "holds are left out",
    )
    higher_bands_hz: tuple[tuple[float, float], ...] = Field(
        default=((4000.0, 8000.0), (5500.0, 11000.0), (8000.0, 16000.0), (11000.0, 22000.0)),
        description="further ones, of data whose every rate holds them",
    )
    n_bands: int = Field(default=4, ge=1, description="how many bands are taken")
    # As narrow and uncut as they were chosen by: with those of `order_lines` it loses on HIT-SM (docs/physics.md).
    slip: float = Field(
        default=0.0, ge=0, lt=0.2, description="as of `order_lines`", exclude_if=lambda share: share == 0
    )
    ceiling_db: float | None = Field(
        default=None, gt=0, description="as of `order_lines`", exclude_if=lambda height: height is None
    )

    def settled(self, meta: "pd.DataFrame") -> Self:
        """Return it with the bands that the lowest sampling rate holds; where that are too few, see `OrderLines`."""
        highest_hz = highest_common_hz(meta["sampling_rate_hz"])
        held = tuple(band for band in (*self.bands_hz, *self.higher_bands_hz) if band[1] <= highest_hz)
        update = {"bands_hz": held} if len(held) >= self.n_bands else {}
        return super().settled(meta).model_copy(update={**update, "higher_bands_hz": ()})

    def from_recording(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None, turning: Turning | None = None
    ) -> dict[str, float]:
        """Return the columns of ``order_lines`` of every band, and ``negentropy_band_<number>`` of each."""
        columns = super().from_recording(signal, sampling_rate_hz, speed_rpm, turning)
        heights_db = np.array(list(columns.values())).reshape(len(self.bands_hz), -1)
        power = 10 ** (heights_db / 10)
        share = power / power.mean(axis=1, keepdims=True)
        scores = np.mean(share * np.log(share), axis=1)
        return columns | {f"{SCORE}{number}": score for number, score in enumerate(scores.tolist(), 1)}

    def left_out(self, training: "pd.DataFrame", motors: "pd.Series") -> Iterator[str]:
        """Yield the columns of the bands that are not taken, and the scores; motors count alike."""
        names = [name for name in training if str(name).startswith(SCORE)]
        of_motors = training[names].groupby(motors.to_numpy()).mean()
        taken = of_motors.quantile(STRONGEST).nlargest(self.n_bands).index
        others = {f"_band_{name.removeprefix(SCORE)}" for name in names if name not in taken}
        yield from names
        lines = (str(name) for name in training if str(name).startswith("line_"))
        yield from (name for name in lines if name[name.rindex("_band_") :] in others)


PLUGIN = FoundLines
