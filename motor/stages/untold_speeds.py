"""Estimate from signals the speeds that the data does not give, before anything is trained."""

from dataclasses import dataclass

import numpy as np

from motor.recordings.stated_speeds import dealt
from motor.recordings.sure_speed import sure_speed
from motor.recordings.table import Recordings
from motor.stages.speeds import Speed

MARGIN = 1.25
"""Beside the speeds that were found, of the range that is advised."""


@dataclass(frozen=True)
class UntoldSpeeds:
    """Speeds of recordings whose speed nothing tells, as far as their signals tell them for sure.

    Attributes
    ----------
    n_untold, n_heard : int
        Recordings without a stated speed, and how many of them were heard.
    found_rpm : ndarray of shape (n_known,)
        Speeds that are sure, sorted.
    range_rpm : (float, float)
        Within which they were looked for.
    """

    n_untold: int
    n_heard: int
    found_rpm: np.ndarray
    range_rpm: tuple[float, float]

    def sentence(self) -> str:
        """Return these findings in a sentence, with the setting that fits."""
        low, high = self.range_rpm
        heard = (
            f"speeds: nothing tells that of {self.n_untold} series; of {self.n_heard} heard, {len(self.found_rpm)} "
            f"tell theirs for sure within {low:g} to {high:g} r/min"
        )
        if not len(self.found_rpm):
            return f"{heard}. A method of orders needs it: give speed_rpm, or another speed.range_rpm"
        least, most = float(self.found_rpm[0]), float(self.found_rpm[-1])
        middle = float(np.median(self.found_rpm))
        fits = f"speed: {{source: either, estimate: when_sure, range_rpm: [{least / MARGIN:.0f}, {most * MARGIN:.0f}]}}"
        return f"{heard}: {least:.0f} to {most:.0f}, {middle:.0f} in the middle. To take them: {fits}"


def untold_speeds(recordings: Recordings, speed: Speed) -> UntoldSpeeds | None:
    """Estimate the speed of some recordings without one, dealt over motors; None where every recording has a speed.

    Those that are too short or too slowly sampled for the range are heard in vain.
    """
    meta = recordings.meta.reset_index(drop=True)
    untold = meta[~(meta["speed_rpm"] > 0)]
    if not len(untold):
        return None
    places = dealt(untold)
    found = [_sure(recordings.signal(place), float(meta.at[place, "sampling_rate_hz"]), speed) for place in places]
    known = np.sort(np.array([one for one in found if one is not None], dtype=np.float64))
    return UntoldSpeeds(len(untold), len(places), known, speed.range_rpm)


def _sure(signal: np.ndarray, sampling_rate_hz: float, speed: Speed) -> float | None:
    """Return the speed that a signal tells for sure, or None."""
    try:
        found = sure_speed([(signal, sampling_rate_hz)], speed.range_rpm)
    except ValueError:  # too short, or too slowly sampled
        return None
    return found.speed_rpm if found.is_known else None
