"""How a shaft turned while it was recorded, followed through the signal where the speed varies.

Shapes: T frames, N speeds, P places of a spectrum, K places in time.
"""

from dataclasses import dataclass

import numpy as np

from motor.lazy import scipy
from motor.recordings.speed import CEILING_DB, checked_range, family_score, signal_and_envelopes
from motor.recordings.sure_speed import heights_db

FRAME_TURNS, FRAME_S = 2.0, 0.15
"""A frame holds so many turns of the lowest speed, and so many seconds at least: in longer ones the speed changes."""
HOPS = 4  # frames begin so many times within one
PADDING = 4
STEP = 4e-3  # of the speeds that are tried, as a share
N_HARMONICS = 6
MOST_CHANGE = 0.12  # of the speed from frame to frame, as a share
CHANGE_COST_DB = 20.0  # of the greatest change; smaller ones cost less, by their square
FEWEST_FRAMES = 8
LEAST_HEIGHT_DB = 3.5
"""Mean height of the family that is followed: in noise the best path comes to 2.1 dB, simulated run-ups to 4.8 to 6."""


@dataclass(frozen=True)
class Turning:
    """The angle of a shaft over a recording.

    Attributes
    ----------
    time_s_K, turns_K : ndarray of shape (n_places,)
        Turns since the first sample, at times since then: both rise, and reach from the first sample to the last.
    """

    time_s_K: np.ndarray
    turns_K: np.ndarray

    @property
    def speeds_hz(self) -> np.ndarray:
        """Turns a second between the places: shape (n_places - 1,)."""
        return np.diff(self.turns_K) / np.diff(self.time_s_K)

    @property
    def mean_rpm(self) -> float:
        return float(60 * (self.turns_K[-1] - self.turns_K[0]) / (self.time_s_K[-1] - self.time_s_K[0]))

    @property
    def fastest_hz(self) -> float:
        return float(self.speeds_hz.max())

    def in_angle(self, values: np.ndarray, rate_hz: float) -> tuple[np.ndarray, float]:
        """Return values at even steps of the shaft's angle, and how many there are in a turn.

        There are as many as the slowest turn holds, so that none is left out.

        Parameters
        ----------
        values : ndarray of shape (n_values,)
            At even steps of time, over the whole recording.
        rate_hz : float
        """
        per_turn = rate_hz / float(self.speeds_hz.min())
        angle = np.arange(self.turns_K[0], self.turns_K[-1], 1 / per_turn)
        time_s = np.interp(angle, self.turns_K, self.time_s_K)
        return np.interp(time_s, np.arange(values.size) / rate_hz, values), per_turn


def followed(signal: np.ndarray, sampling_rate_hz: float, range_rpm: tuple[float, float]) -> Turning:
    """Follow the shaft through a signal of varying speed.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sampling_rate_hz : float
    range_rpm : (float, float)
        Lowest and highest speed that may come in it.

    Raises
    ------
    ValueError
        If the recording is too short, or no family of harmonics can be followed through it.

    Notes
    -----
    Frames of two turns of the lowest speed; in each the harmonics of a speed, less what lies between them, in the
    spectra of the signal and of two envelopes (as `motor.recordings.sure_speed` does); and through the frames the path
    of greatest height whose changes are small (Viterbi; as ridges are followed in Schmidt, Heyns and de Villiers 2018,
    Mechanical Systems and Signal Processing 100, 652-666). On simulated run-ups from 600 to 3000 r/min in 6 s the speed
    is found within 0.3 % at the median place.
    """
    low_hz, high_hz = checked_range(signal, sampling_rate_hz, range_rpm)
    length = round(frame_s(low_hz) * sampling_rate_hz)
    begins = np.arange(0, signal.size - length + 1, max(1, length // HOPS))
    if len(begins) < FEWEST_FRAMES:
        raise ValueError(
            f"a recording of {signal.size / sampling_rate_hz:.3g} s is too short to follow a speed from "
            f"{range_rpm[0]:g} r/min on; raise speed.range_rpm's lower end, or set speed.turning: even"
        )
    speeds_N = np.geomspace(low_hz, high_hz, int(np.log(high_hz / low_hz) / STEP) + 1)
    spectra = signal_and_envelopes(signal)
    height_TN = np.array(
        [_frame([one[at : at + length] for one in spectra], sampling_rate_hz, speeds_N) for at in begins]
    )
    path_T = _path(height_TN)
    height_db = float(height_TN[np.arange(len(begins)), path_T].mean())
    if height_db < LEAST_HEIGHT_DB:
        raise ValueError(
            f"no shaft can be followed through the signal between {range_rpm[0]:g} and {range_rpm[1]:g} r/min: its "
            f"harmonics come to {height_db:.1f} dB, and noise to 2; correct speed.range_rpm, set "
            "speed.turning: even, or leave the recording out"
        )
    speed_hz_T = scipy.ndimage.gaussian_filter1d(speeds_N[path_T], 1.0, mode="nearest")
    return _turning((begins + length / 2) / sampling_rate_hz, speed_hz_T, signal.size / sampling_rate_hz)


def frame_s(low_hz: float) -> float:
    """Return how long a frame is, in seconds, given the lowest speed in turns a second."""
    return max(FRAME_S, FRAME_TURNS / low_hz)


def fewest_seconds(low_hz: float) -> float:
    """Return how long a recording must be for its shaft to be followed, in seconds."""
    return frame_s(low_hz) * (1 + (FEWEST_FRAMES - 1) / HOPS)


def _turning(time_s_T: np.ndarray, speed_hz_T: np.ndarray, seconds: float) -> Turning:
    """Add up speeds at the middles of frames; before the first and behind the last they go on as there."""
    ends = []
    for at_s, part in ((0.0, slice(None, 3)), (seconds, slice(-3, None))):
        going_on = float(np.polyval(np.polyfit(time_s_T[part], speed_hz_T[part], 1), at_s))
        ends.append(max(going_on, float(speed_hz_T.min()) / 2))
    time_s_K = np.array([0.0, *time_s_T, seconds])
    speed_hz_K = np.array([ends[0], *speed_hz_T, ends[1]])
    fine_s = np.linspace(0.0, seconds, 8 * len(time_s_K))
    fine_hz = np.interp(fine_s, time_s_K, speed_hz_K)
    steps = np.diff(fine_s) * (fine_hz[1:] + fine_hz[:-1]) / 2
    return Turning(fine_s, np.concatenate([[0.0], np.cumsum(steps)]))


def _frame(parts: list[np.ndarray], sampling_rate_hz: float, speeds_N: np.ndarray) -> np.ndarray:
    """Return how far the family of each speed stands out in a frame, in decibels."""
    n_fft = 2 ** int(np.ceil(np.log2(PADDING * parts[0].size)))
    step_hz = sampling_rate_hz / n_fft
    n_kept = min(n_fft // 2, int((N_HARMONICS + 1) * speeds_N[-1] / step_hz) + 2)
    half = max(2, int(speeds_N[0] / step_hz))
    spectra = np.stack([np.minimum(heights_db(part, n_fft, n_kept, half), CEILING_DB) for part in parts])
    return family_score(spectra, step_hz, speeds_N, N_HARMONICS)


def _path(height_TN: np.ndarray) -> np.ndarray:
    """Return the place of the speed in each frame, along the path of greatest height: shape (n_frames,)."""
    n_frames, n_speeds = height_TN.shape
    most = int(np.ceil(MOST_CHANGE / STEP))
    changes = np.arange(-most, most + 1)
    cost = CHANGE_COST_DB * (changes / most) ** 2
    total_N = height_TN[0].copy()
    came_by = np.zeros((n_frames, n_speeds), dtype=int)
    places = np.arange(n_speeds)
    sources = places - changes[:, None]  # shape (n_changes, n_speeds)
    there = (sources >= 0) & (sources < n_speeds)
    for frame in range(1, n_frames):
        reached = np.where(there, total_N[np.where(there, sources, 0)] - cost[:, None], -np.inf)
        best = reached.argmax(axis=0)
        came_by[frame] = sources[best, places]
        total_N = reached[best, places] + height_TN[frame]
    path = [int(total_N.argmax())]
    for frame in range(n_frames - 1, 0, -1):
        path.append(int(came_by[frame, path[-1]]))
    return np.array(path[::-1])
