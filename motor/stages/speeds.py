"""The shaft's speed of each recording: as it is given, or estimated from the signal."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from motor.lazy import pandas as pd
from motor.recordings.recording import Recording
from motor.recordings.speed import estimate_speed
from motor.recordings.sure_speed import sure_speed
from motor.recordings.table import Recordings
from motor.recordings.tacho import turning_by
from motor.recordings.tracking import Turning, followed
from motor.registry import Record

if TYPE_CHECKING:
    import numpy as np


class Speed(Record):
    """Where the speed of the shaft comes from.

    Attributes
    ----------
    source : {"given", "estimated", "either"}
        The recordings' table; the signal; or the table, and the signal where the table has none.
    range_rpm : (float, float)
        Slowest and fastest speed that an estimate may find, in revolutions a minute.
    estimate : {"always", "when_sure"}
        ``when_sure``: the sensors of a motor's moment are heard together, more harmonics tell the speed finer, and
        where they leave a doubt it is not known. ``always`` takes the likeliest speed, however likely.
    turning : {"even", "tracked"}
        ``tracked``: the speed varies within a recording, so the shaft is followed: by its tachometer where the reader
        has one (`dataset.tacho`), else through the signal, within `range_rpm`. Orders are then those of its angle, and
        a stated or estimated speed is not looked at.
    """

    source: Literal["given", "estimated", "either"] = "given"
    range_rpm: tuple[float, float] = Field(default=(300.0, 3600.0))
    estimate: Literal["always", "when_sure"] = Field(default="always", exclude_if=lambda value: value == "always")
    turning: Literal["even", "tracked"] = Field(default="even", exclude_if=lambda value: value == "even")


def speeds_rpm(recordings: Recordings, speed: Speed) -> "pd.Series":
    """Return the speed of each recording in revolutions a minute, NaN where it is not known.

    Where shafts are followed through the signals, the middle of the range stands for all.
    """
    meta = recordings.meta
    found = meta["speed_rpm"].astype("float64")
    if speed.turning == "tracked":
        found[:] = sum(speed.range_rpm) / 2
        return found
    if speed.source == "given":
        return found
    asked = meta.index if speed.source == "estimated" else meta.index[found.isna()]
    if speed.estimate == "when_sure":
        return _when_sure(recordings, speed, asked, found)
    for index in asked:
        rate_hz = float(meta.at[index, "sampling_rate_hz"])
        found.at[index] = _estimated([(recordings.signal(int(index)), rate_hz)], speed)
    return found


def _when_sure(recordings: Recordings, speed: Speed, asked: Any, stated: "pd.Series") -> "pd.Series":
    """Return the speeds with those asked for estimated, once for each motor and moment."""
    meta, found = recordings.meta.loc[asked], stated.copy()
    moments = meta["moment"].where(meta["moment"].notna(), [("alone", index) for index in meta.index])
    for _, group in meta.groupby([meta["motor"], moments], sort=False):
        signals = [(recordings.signal(int(place)), float(meta.at[place, "sampling_rate_hz"])) for place in group.index]
        estimate = _estimated(signals, speed)
        found.loc[group.index] = float("nan") if pd.isna(estimate) else estimate
    return found


def with_speed(recording: Recording, speed: Speed, beside: Sequence[Recording] = ()) -> Recording:
    """Return a recording with the speed that `speeds_rpm` gives it.

    Parameters
    ----------
    recording : Recording
    speed : Speed
    beside : sequence of Recording
        Others, of which those of the same motor and moment are heard with it where `estimate` says so.
    """
    turning = turning_of(recording.signal, recording.sampling_rate_hz, speed, recording.turned)
    if turning is not None:
        return replace(recording, speed_rpm=turning.mean_rpm)
    is_known = recording.speed_rpm is not None and speed.source == "either"
    if speed.source == "given" or is_known:
        return recording
    heard = [recording]
    if speed.estimate == "when_sure" and recording.moment is not None:
        heard += [one for one in beside if _tied(one, recording) and not (speed.source == "either" and one.speed_rpm)]
    return replace(recording, speed_rpm=_estimated([(one.signal, one.sampling_rate_hz) for one in heard], speed))


def turning_of(
    signal: "np.ndarray", sampling_rate_hz: float, speed: Speed, turned: "np.ndarray | None" = None
) -> Turning | None:
    """Return how the shaft turned, where it is to be followed; None where its speed is taken as even.

    Parameters
    ----------
    signal : ndarray of shape (n_samples,)
    sampling_rate_hz : float
    speed : Speed
    turned : ndarray of shape (2, n_pulses), optional
        The tachometer's pulses, where one was read: they count more than the signal.

    Raises
    ------
    ValueError
        If it cannot be followed.
    """
    if speed.turning == "even":
        return None
    if turned is not None:
        return turning_by(turned, signal.size / sampling_rate_hz)
    return followed(signal, sampling_rate_hz, speed.range_rpm)


def _tied(one: Recording, other: Recording) -> bool:
    return one.item != other.item and (one.motor, one.moment) == (other.motor, other.moment)


def _estimated(signals: "Sequence[tuple[np.ndarray, float]]", speed: Speed) -> float | None:
    """Return the speed of one signal, or of several of one moment; None where it is not sure."""
    if speed.estimate == "when_sure":
        found = sure_speed(signals, speed.range_rpm)
        return found.speed_rpm if found.is_known else None

    return estimate_speed(*signals[0], range_rpm=speed.range_rpm).speed_rpm
