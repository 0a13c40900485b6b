"""Find features that cannot be computed for recordings, from their table alone, before anything is trained."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from motor.features.base import RecordingFeature
from motor.recordings.speed import FEWEST_REVOLUTIONS, N_HARMONICS
from motor.recordings.tracking import fewest_seconds
from motor.stages.speeds import Speed

if TYPE_CHECKING:
    import pandas as pd


def feature_faults(
    features: Sequence[RecordingFeature], meta: "pd.DataFrame", speed: Speed, has_tacho: bool = False
) -> Iterator[str]:
    """Yield what features cannot describe of recordings, each with the settings that would fit.

    Where a speed is estimated or followed, nothing of it is known yet: a fault is then what no speed of `range_rpm`
    would mend, and what no estimate can be made of.

    Parameters
    ----------
    features : sequence of RecordingFeature
        Those of the methods of a grid that may not fit.
    meta : DataFrame
        One row for each recording: item, sampling_rate_hz, n_samples, speed_rpm (NaN: not known).
    speed : Speed
    has_tacho : bool
        Whether each recording has a tachometer's pulses, by which a shaft is followed whatever its length.
    """
    is_tracked = speed.turning == "tracked"
    asked = meta["speed_rpm"].isna() & (speed.source != "given") | is_tracked | (speed.source == "estimated")
    if any(feature.takes_turning for feature in features) and not (is_tracked and has_tacho):
        yield from _estimate_faults(meta[asked], speed)
    fastest = meta.assign(speed_rpm=meta["speed_rpm"].mask(asked, speed.range_rpm[1]))
    for feature in features:
        yield from feature.faults(fastest)


def _estimate_faults(meta: "pd.DataFrame", speed: Speed) -> Iterator[str]:
    """Yield why speeds cannot be estimated, or shafts followed, in recordings of these lengths and rates."""
    if not len(meta):
        return
    low_rpm, high_rpm = speed.range_rpm
    seconds = meta["n_samples"] / meta["sampling_rate_hz"]
    shortest = float(seconds.min())
    needed = FEWEST_REVOLUTIONS * 60 / low_rpm
    if speed.turning == "tracked":
        needed = max(needed, fewest_seconds(low_rpm / 60))
    if shortest < needed:
        lower = FEWEST_REVOLUTIONS * 60 / shortest
        advice = f"set speed.range_rpm to [{lower:.0f}, {high_rpm:g}], or " if lower < high_rpm else ""
        yield (
            f"a speed from {low_rpm:g} r/min on can be estimated from recordings of {needed:.3g} s and more, but "
            f"{meta['item'][seconds.idxmin()]} has {shortest:.3g} s, and {int((seconds < needed).sum()) - 1} others "
            f"are too short; {advice}give the speed (a column, a pattern or a constant for speed_rpm)"
        )
    highest_rpm = 30 * float(meta["sampling_rate_hz"].min()) / N_HARMONICS
    if high_rpm >= highest_rpm:
        yield (
            f"speed.range_rpm reaches {high_rpm:g} r/min, whose harmonic {N_HARMONICS} lies above the Nyquist "
            f"frequency of {meta['item'][meta['sampling_rate_hz'].idxmin()]}; let it end below {highest_rpm:.0f}"
        )
