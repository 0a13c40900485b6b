"""A tachometer's channel beside a sensor's: once a turn (or so many times) it gives a pulse.

Shapes: P pulses, K places in time.
"""

from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from motor.lazy import scipy
from motor.recordings.recording import NEXT_STEP, SeriesError
from motor.recordings.tracking import Turning
from motor.registry import Record

FEWEST_TURNS = 2.0
LEVEL, SLACK = 0.5, 0.15
"""A pulse begins where the signal rises through its middle, once it was below by so much of its height."""
FINER = 8  # places in time for each pulse


def channel_names(value: Any) -> Any:
    """Return what a config says of a channel as names in the file: ``2`` is ``column 2``, one name a list of it."""
    listed = value if isinstance(value, list | tuple) else (value,)
    return tuple(f"column {one}" if isinstance(one, int) and not isinstance(one, bool) else one for one in listed)


Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(channel_names), Field(min_length=1)]


class Tacho(Record):
    """Which channel of each place is a tachometer's.

    Attributes
    ----------
    channel : str or int
        Its name, as one of `channels` is written.
    pulses_per_turn : float
        How many it gives in a turn of the shaft that orders refer to.
    """

    channel: Names
    pulses_per_turn: float = Field(default=1.0, gt=0)

    def turned(self, signal: np.ndarray, sampling_rate_hz: float, place: str) -> np.ndarray:
        """Return when the shaft had turned by one pulse more: float64 of shape (2, n_pulses), seconds and turns.

        Parameters
        ----------
        signal : ndarray of shape (n_samples,)
            Of the tachometer.
        sampling_rate_hz : float
        place : str
            For messages.

        Raises
        ------
        SeriesError
            If it shows less than two turns.
        """
        time_s = pulses_s(signal, sampling_rate_hz)
        if (len(time_s) - 1) / self.pulses_per_turn < FEWEST_TURNS:
            raise SeriesError(
                f"{place}: the tachometer ({', '.join(self.channel)}) shows {len(time_s)} pulses, and a turn has "
                f"{self.pulses_per_turn:g}; {FEWEST_TURNS:g} turns are the least: correct dataset.tacho, or take it "
                f"out; {NEXT_STEP}"
            )
        return np.stack([time_s, np.arange(len(time_s)) / self.pulses_per_turn])


def pulses_s(signal: np.ndarray, sampling_rate_hz: float) -> np.ndarray:
    """Return when pulses begin, in seconds since the first sample: where the signal rises through its middle.

    Between samples it is interpolated; noise that does not reach from below the middle to above it makes no pulse.
    """
    values = signal.astype(np.float64)
    low, high = float(values.min()), float(values.max())
    height = (values - low) / (high - low if high > low else 1.0) - LEVEL
    state = np.zeros(height.size, dtype=np.int8)
    state[height > SLACK], state[height < -SLACK] = 1, -1
    known = np.flatnonzero(state)
    risen = known[1:][np.diff(state[known]) == 2]
    below = np.flatnonzero(height < 0)
    last = below[np.searchsorted(below, risen) - 1] if len(risen) else risen
    share = -height[last] / (height[last + 1] - height[last])
    return (last + share) / sampling_rate_hz


def turning_by(turned_2P: np.ndarray, seconds: float) -> Turning:
    """Return the shaft's angle over a recording, given the pulses of `Tacho.turned`.

    Between pulses the angle is a monotone cubic, so that a speed that changes has no steps (computed order tracking:
    Fyfe and Munck 1997, Mechanical Systems and Signal Processing 11, 187-205); before the first and behind the last
    pulse the shaft turns on as beside them.
    """
    time_s, turns = turned_2P
    first_hz, last_hz = _end_hz(time_s[:3], turns[:3], 0), _end_hz(time_s[-3:], turns[-3:], -1)
    if time_s[0] > 0:
        time_s, turns = np.append(0.0, time_s), np.append(turns[0] - first_hz * time_s[0], turns)
    if time_s[-1] < seconds:
        time_s, turns = np.append(time_s, seconds), np.append(turns, turns[-1] + last_hz * (seconds - time_s[-1]))
    time_s_K = np.linspace(0.0, seconds, FINER * len(time_s) + 1)
    turns_K = scipy.interpolate.PchipInterpolator(time_s, turns)(time_s_K)
    return Turning(time_s_K, turns_K - turns_K[0])


def _end_hz(time_s: np.ndarray, turns: np.ndarray, end: int) -> float:
    """Return the speed at one end of a few pulses, of a parabola through them: within half and double the mean."""
    mean_hz = (turns[-1] - turns[0]) / (time_s[-1] - time_s[0])
    if len(time_s) < 3:
        return float(mean_hz)
    curve = np.polyfit(time_s - time_s[end], turns, 2)
    return float(np.clip(curve[1], mean_hz / 2, 2 * mean_hz))


def mean_rpm(turned_2P: np.ndarray) -> float:
    """Return the mean speed between the first and the last pulse, in revolutions a minute."""
    time_s_P, turns_P = turned_2P
    return float(60 * (turns_P[-1] - turns_P[0]) / (time_s_P[-1] - time_s_P[0]))
