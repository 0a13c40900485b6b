"""The (log) envelope of a band, sampled in shaft angle: a fault's period is the same at every speed."""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.windows.representations.band import BandEnvelope
from motor.windows.representations.resampling import resample


class OrderEnvelope(BandEnvelope):
    """Hilbert envelope of a band, or its logarithm, at a fixed number of samples for each revolution of the shaft.

    The speed is taken as constant over a recording, as nominal speeds are (unless ``speed.turning`` is ``tracked``):
    sampling in angle is then sampling in time at ``samples_per_revolution * speed_rpm / 60`` Hz. A speed that was
    estimated from the signal serves as one that was given: an error of 1 % moves every order by 1 %.

    Parameters
    ----------
    samples_per_revolution : int
        Samples for each revolution; orders up to half of it are kept.
    """

    needs_speed: ClassVar[bool] = True
    takes_turning: ClassVar[bool] = True

    kind: Literal["order_envelope"] = "order_envelope"
    samples_per_revolution: int = Field(default=64, ge=2)

    def represent(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None, turning: Any = None
    ) -> tuple[np.ndarray, float]:
        """Return the envelope in shaft angle, and its nominal rate in samples a second.

        The rate therefore differs between recordings of different speeds; a feature in orders divides
        frequencies by it and multiplies by `samples_per_revolution`.
        """
        if turning is not None:
            values, per_turn = turning.in_angle(self.envelope(signal, sampling_rate_hz), sampling_rate_hz)
            in_angle = resample(values, per_turn, self.samples_per_revolution)
            return in_angle, self.samples_per_revolution * turning.mean_rpm / 60
        # A table's missing speed arrives as NaN, which is not > 0 either.
        if speed_rpm is None or not 0 < speed_rpm < np.inf:
            raise ValueError(
                f"representation order_envelope needs speed_rpm > 0 of every recording, but it is {speed_rpm}; "
                "give the reader a column, a pattern or a constant for speed_rpm, or set speed: {source: estimated}, "
                "or choose representation envelope, which needs no speed"
            )
        rate_hz = self.samples_per_revolution * speed_rpm / 60
        return resample(self.envelope(signal, sampling_rate_hz), sampling_rate_hz, rate_hz), rate_hz


PLUGIN = OrderEnvelope
