"""The shaft's speed of each recording: as it is given, or estimated from the signal."""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from motor.recordings.recording import Recording
from motor.recordings.table import Recordings
from motor.registry import Record

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class Speed(Record):
    """Where the speed of the shaft comes from.

    Attributes
    ----------
    source : {"given", "estimated", "either"}
        The recordings' table; the signal; or the table, and the signal where the table has none.
    range_rpm : (float, float)
        Slowest and fastest speed that an estimate may find, in revolutions a minute.
    """

    source: Literal["given", "estimated", "either"] = "given"
    range_rpm: tuple[float, float] = Field(default=(300.0, 3600.0))


def speeds_rpm(recordings: Recordings, speed: Speed) -> "pd.Series":
    """Return the speed of each recording in revolutions a minute, NaN where it is not known."""
    meta = recordings.meta
    found = meta["speed_rpm"].astype("float64")
    if speed.source == "given":
        return found
    asked = meta.index if speed.source == "estimated" else meta.index[found.isna()]
    for index in asked:
        rate_hz = float(meta.at[index, "sampling_rate_hz"])
        found.at[index] = _estimated(recordings.signal(int(index)), rate_hz, speed)
    return found


def with_speed(recording: Recording, speed: Speed) -> Recording:
    """Return a recording with the speed that `speeds_rpm` gives it."""
    is_known = recording.speed_rpm is not None and speed.source == "either"
    if speed.source == "given" or is_known:
        return recording
    return replace(recording, speed_rpm=_estimated(recording.signal, recording.sampling_rate_hz, speed))


def _estimated(signal: "np.ndarray", rate_hz: float, speed: Speed) -> float:
    from motor.recordings.speed import estimate_speed

    return estimate_speed(signal, rate_hz, range_rpm=speed.range_rpm).speed_rpm
