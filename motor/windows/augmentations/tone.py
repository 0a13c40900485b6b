"""A weak sine, as of a vibrating part."""

from typing import ClassVar, Literal

import numpy as np

from motor.windows.augmentations.base import Augmentation, Drawn, Interval, between, deviations

BLOCK = 64  # samples; a window has some such blocks (L) of as many samples (M)


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

    def n_uniforms(self, window_length: int) -> int:
        """See `Augmentation.n_uniforms`."""
        return 3

    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """See `Augmentation.draw`."""
        turns_B1 = between(uniform_BK[:, :1], self.frequency_hz) / sampling_rate_hz_B[:, None]
        peak_B1 = between(uniform_BK[:, 1:2], self.amplitude).astype(np.float32)
        # sin(a + b) from the sines of every 64th sample and of 64 samples takes few sines.
        sine_BL, cosine_BL = _of_turns(np.arange(0, window_length, BLOCK) * turns_B1 + uniform_BK[:, 2:])
        return peak_B1 * sine_BL, peak_B1 * cosine_BL, *_of_turns(np.arange(BLOCK) * turns_B1)

    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return the windows plus their sines."""
        sine_BL, cosine_BL, fine_sine_BM, fine_cosine_BM = drawn
        deviation_B1 = deviations(window_BN)
        sine_BLM = (deviation_B1 * sine_BL)[:, :, None] * fine_cosine_BM[:, None, :]
        sine_BLM += (deviation_B1 * cosine_BL)[:, :, None] * fine_sine_BM[:, None, :]
        window_BN += sine_BLM.reshape(len(window_BN), -1)[:, : window_BN.shape[1]]
        return window_BN

    def check(self, sampling_rate_hz: float) -> None:
        """Raise ValueError if the highest frequency is not below the Nyquist frequency."""
        if self.frequency_hz[1] >= sampling_rate_hz / 2:
            raise ValueError(
                f"augmentation tone: frequency_hz ends at {self.frequency_hz[1]:g} Hz, but a signal at "
                f"{sampling_rate_hz:g} Hz ends below {sampling_rate_hz / 2:g} Hz; lower frequency_hz or leave tone out"
            )


def _of_turns(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sines and cosines, float32; whole turns go in float64, or a long window's phase is off by a thousandth."""
    radians = (2 * np.pi * (turns - np.rint(turns))).astype(np.float32)
    return np.sin(radians), np.cos(radians)


PLUGIN = Tone
