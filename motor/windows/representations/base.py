"""What every representation shares: checks of what comes in, float32 out."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from motor.registry import Plugin


class Representation(Plugin):
    """A transform of the measured signal into the one that forecasters see.

    No representation removes the mean: levels are the business of `motor.windows.scaling` alone.
    """

    ROOM: ClassVar[str] = "motor.windows.representations"

    needs_speed: ClassVar[bool] = False
    """Whether it uses the shaft's speed; one that does is given an estimate where the config asks for that."""

    takes_turning: ClassVar[bool] = False
    """Whether `represent` takes the shaft's angle beside the mean speed, where the speed varies."""

    sets_rate: ClassVar[bool] = False
    """Whether what it gives has the same rate whatever the recording's is, so that other rates than trained on do."""

    def apply(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None, turning: Any = None
    ) -> tuple[np.ndarray, float]:
        """Return the represented signal and its sampling rate.

        Parameters
        ----------
        signal : ndarray of float32, shape (n_samples,)
            A whole recording; it is never written to.
        sampling_rate_hz : float
            Of `signal`.
        speed_rpm : float or None
            Nominal speed of the shaft in revolutions a minute, None where it is unknown.
        turning : motor.recordings.tracking.Turning, optional
            The shaft's angle, where its speed varies and the representation takes it.

        Returns
        -------
        represented : ndarray of float32, shape (n_represented,)
            May be `signal` itself, not a copy.
        represented_rate_hz : float
            Samples of `represented` for each second of the recording.

        Raises
        ------
        ValueError
            If the signal is empty, not one-dimensional or not finite, or if the rate, the band or
            the speed do not fit the settings.
        """
        if signal.ndim != 1 or signal.size == 0:
            raise ValueError(f"a signal must have shape (n_samples,) with n_samples >= 1, not {signal.shape}")
        if not 0 < sampling_rate_hz < np.inf:
            raise ValueError(f"sampling_rate_hz is {sampling_rate_hz}; it must be positive and finite")
        if not np.isfinite(signal).all():
            place = int(np.flatnonzero(~np.isfinite(signal))[0])
            raise ValueError(
                f"sample {place} of the signal is {signal[place]}; drop the series (on_bad_series: skip) "
                "or fill its gaps before it is read"
            )
        how = {"turning": turning} if turning is not None and self.takes_turning else {}
        represented, rate_hz = self.represent(signal, float(sampling_rate_hz), speed_rpm, **how)
        return np.ascontiguousarray(represented, dtype=np.float32), float(rate_hz)

    def represented_length(self, n_samples: int, sampling_rate_hz: float | None) -> int | None:
        """Return the samples that so many become, where that is known without the signal; else None."""
        return None

    @abstractmethod
    def represent(
        self, signal: np.ndarray, sampling_rate_hz: float, speed_rpm: float | None
    ) -> tuple[np.ndarray, float]:
        """Do the work of `apply` on a checked signal; any floating type may be returned."""
