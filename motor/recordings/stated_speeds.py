"""Stated speeds that the signals contradict: harmonics of a shaft that turns faster or slower."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from motor.recordings.findings import NAMED, Finding
from motor.recordings.sure_speed import height_of, sure_speed
from motor.recordings.tacho import mean_rpm

if TYPE_CHECKING:
    import pandas as pd

    from motor.recordings.table import Recordings

MOST_HEARD = 150  # recordings, dealt over motors: each takes a tenth of a second
REACH = 1.9  # what is heard, as a share of the stated speed: below its double and above its half
OFF = 0.03
LEAD_DB = 6.0
NEEDS_CONFIDENCE = 0.1
FEWEST_SHARE = 0.5  # of a motor's recordings that were heard


def contradicted_speeds(recordings: "Recordings") -> Iterator[Finding]:
    """Find motors whose stated speed most of their recordings contradict, by a sure one that is 3 % or more away.

    Of large data sets `MOST_HEARD` recordings are heard, as many of each motor. Half and double the stated speed
    are not looked for: they share its lines.
    """
    ratios: dict[str, list[float]] = defaultdict(list)
    for place in _heard(recordings):
        ratio = _ratio(recordings, place)
        if ratio is not None:
            ratios[str(recordings.meta["motor"].iloc[place])].append(ratio)
    off = {motor: [one for one in of if abs(one - 1) > OFF] for motor, of in ratios.items()}
    found = {motor: float(np.median(of)) for motor, of in off.items() if len(of) > FEWEST_SHARE * len(ratios[motor])}
    if found:
        shown = ", ".join(f"{motor} ({ratio:.3g} times)" for motor, ratio in list(found.items())[:NAMED])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        yield Finding(
            "told_speed_contradicted",
            f"the signals of {len(found)} of {len(ratios)} motors show the harmonics of another speed than the told "
            f"one: {shown}{more}",
            {"ratio_by_motor": {motor: round(ratio, 4) for motor, ratio in found.items()}},
            "correct speed_rpm, or set speed: {source: estimated, estimate: when_sure}; where another machine beside "
            "it turns at that speed, leave it",
        )


def _heard(recordings: "Recordings") -> list[int]:
    """Return the places of recordings with a stated speed, as many of each motor, up to `MOST_HEARD`."""
    meta = recordings.meta.reset_index(drop=True)
    return dealt(meta[meta["speed_rpm"] > 0])


def dealt(meta: "pd.DataFrame") -> list[int]:
    """Return the index of as many rows of each motor, `MOST_HEARD` in all at most, sorted."""
    order = meta.groupby("motor").cumcount().sort_values(kind="stable").index
    return sorted(order[:MOST_HEARD].tolist())


def _ratio(recordings: "Recordings", place: int) -> float | None:
    """Return the speed that a signal shows as a share of the stated one; None where it shows none for sure.

    Where a tachometer was read, that tells it.
    """
    row = recordings.meta.iloc[place]
    turned = recordings.turned(place)
    if turned is not None:
        return mean_rpm(turned) / float(row["speed_rpm"])
    told_rpm, heard = float(row["speed_rpm"]), [(recordings.signal(place), float(row["sampling_rate_hz"]))]
    span = told_rpm / REACH, told_rpm * REACH
    try:
        found = sure_speed(heard, span)
        if not found.is_known or found.confidence < NEEDS_CONFIDENCE:
            return None
        ratio = found.speed_rpm / told_rpm
        is_off = abs(ratio - 1) > OFF and found.height_db - height_of(heard, span, told_rpm) > LEAD_DB
        return ratio if is_off else 1.0
    except ValueError:  # too short, or too slowly sampled, to tell
        return None
