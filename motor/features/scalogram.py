"""Scalogram: the power of a signal over time in bands of constant relative width, as an image (Daubechies 1990)."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from motor.features.base import RecordingFeature
from motor.features.wavelets.bank import Bank, log_powers


class Scalogram(RecordingFeature):
    """Log powers in cells of frequency and time, by an analytic wavelet bank: an image, from its lowest band on.

    A cell is the mean power of its band over its stretch of time, so it hardly moves where the signal is moved by some
    samples; magnitudes that are looked at here and there (a resized image) do. Bands are even on a logarithmic scale
    from `low_hz` to `high_share` of the Nyquist frequency. The mean of the logs is taken off, and so is the level.
    """

    kind: Literal["scalogram"] = "scalogram"
    PACKAGES: ClassVar[tuple[str, ...]] = ("scipy",)

    n_bands: int = Field(default=32, ge=4, description="rows of the image")
    n_frames: int = Field(default=32, ge=4, description="columns of the image")
    low_hz: float = Field(default=20.0, gt=0, description="centre of the lowest band")
    high_share: float = Field(default=0.9, gt=0, lt=1, description="centre of the highest, of the Nyquist frequency")
    cycles: float = Field(default=6.0, gt=1, description="oscillations in a wavelet: more are finer in frequency")

    @model_validator(mode="after")
    def _check_square(self) -> "Scalogram":
        if self.n_bands != self.n_frames:
            raise ValueError(
                f"n_bands is {self.n_bands} and n_frames {self.n_frames}; deep detectors take square images: make them "
                "one number"
            )
        return self

    def from_recording(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None = None
    ) -> dict[str, float]:
        """Return the image's cells (see `RecordingFeature.from_recording`).

        Raises
        ------
        ValueError
            If the signal is too short, or its rate too low for `low_hz`.
        """
        if np.ptp(signal) == 0:
            raise ValueError(f"feature scalogram: every sample is {signal[0]:g}; drop the series")
        bank = Bank(
            len(signal), sampling_rate_hz, self.n_bands, self.n_frames, self.low_hz, self.high_share, self.cycles
        )
        image_FT = log_powers(bank.powers(np.asarray(signal, dtype=np.float64)))
        cells = image_FT.ravel().tolist()
        return {f"scalogram_{k // self.n_frames:03d}_{k % self.n_frames:03d}": cell for k, cell in enumerate(cells)}

    def places(self, n_samples: int, sampling_rate_hz: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the centre of each band in hertz and of each frame in seconds, of signals of one length and rate.

        Column ``scalogram_<band>_<frame>`` lies at these two.
        """
        bank = Bank(n_samples, sampling_rate_hz, self.n_bands, self.n_frames, self.low_hz, self.high_share, self.cycles)
        seconds = (np.arange(self.n_frames) + 0.5) * n_samples / self.n_frames / sampling_rate_hz
        return bank.centres_hz, seconds


PLUGIN = Scalogram
