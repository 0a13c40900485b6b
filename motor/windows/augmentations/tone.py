"""A weak sine, as of a vibrating part."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Interval


class Tone(Augmentation):
    """Add one sine of random frequency, amplitude and phase.

    Parameters
    ----------
    classes : tuple of str or None
        Labels whose windows get a tone.
    frequency_hz : (float, float)
        Interval of its frequency, below the Nyquist frequency of the represented signal.
    amplitude : (float, float)
        Interval of its peak, in the window's standard deviations.
    """

    order: ClassVar[int] = 30
    kind: Literal["tone"] = "tone"
    classes: tuple[str, ...] | None = ("vibrate",)
    frequency_hz: Interval = (200.0, 500.0)
    amplitude: Interval = (0.05, 0.1)

    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return the window plus the sine.

        Raises
        ------
        ValueError
            If the highest frequency is not below the Nyquist frequency.
        """
        self.check(sampling_rate_hz)
        radians_per_sample = 2 * np.pi * generator.uniform(*self.frequency_hz) / sampling_rate_hz
        peak = generator.uniform(*self.amplitude) * float(window_T.std())
        phase = generator.uniform(0, 2 * np.pi)
        # Phases in float64: in float32 a long window's phase would be off by a thousandth.
        sine_T = np.sin(np.arange(window_T.size) * radians_per_sample + phase)
        return window_T + (peak * sine_T).astype(np.float32)

    def check(self, sampling_rate_hz: float) -> None:
        """Raise ValueError if the highest frequency is not below the Nyquist frequency."""
        if self.frequency_hz[1] >= sampling_rate_hz / 2:
            raise ValueError(
                f"augmentation tone: frequency_hz ends at {self.frequency_hz[1]:g} Hz, but a signal at "
                f"{sampling_rate_hz:g} Hz ends below {sampling_rate_hz / 2:g} Hz; lower frequency_hz or leave tone out"
            )


PLUGIN = Tone
