"""Labels by a recording's place in its motor's life: an assumption, where nobody looked at the motor meanwhile.

Of a run to failure only the end is known: the last recording of each motor is taken for its failure. A place is a
share of life, or the hours that remain. Time counts where recordings have it, else their order.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from pydantic import Field

from motor.recordings.names import cleaned, natural, shown
from motor.recordings.recording import DataError
from motor.registry import Record

if TYPE_CHECKING:
    import pandas as pd

By = Literal["life", "hours_to_failure"]
BY = "by"
HOUR_S = 3600.0


class LifeLabels(Record):
    """Which part of a motor's life has which class.

    Attributes
    ----------
    by : {"life", "hours_to_failure"}
        What the ranges are of: shares of life, from 0 (a motor's first recording) to 1 (its last), or hours before the
        last.
    ranges : dict
        Class -> from, to, both within it; where two meet, the one that begins there has the place. What lies in none
        has no label.
    """

    by: By
    ranges: dict[str, tuple[float, float]] = Field(default={})

    @property
    def most(self) -> float:
        """What a range may reach to."""
        return 1.0 if self.by == "life" else np.inf


def is_by_life(value: Any) -> bool:
    """Tell whether what a config says of labels are ranges of a life, and no names of classes."""
    if isinstance(value, str):
        return value in get_args(By)
    return isinstance(value, Mapping) and (
        value.get(BY) in get_args(By) or any(isinstance(one, list | tuple) for one in value.values())
    )


def life_labels(value: Mapping[str, Any] | str) -> LifeLabels:
    """Return what ``{by: life, normal: [0.05, 0.35], failing: [0.97, 1]}`` says.

    A record's mere ``life`` has no ranges: those are a matter of the stage that labels.

    Raises
    ------
    ValueError
        If a range is none, or two of them have a place in common.
    """
    if isinstance(value, str):
        return LifeLabels.model_validate({"by": value})
    by = value.get(BY)
    if by not in get_args(By):
        raise ValueError(f"by is {by!r}, and the others are ranges; set by to one of: {', '.join(get_args(By))}")
    found = LifeLabels.model_validate({"by": by})
    ranges = {cleaned(name): _range(name, of, found) for name, of in value.items() if name != BY}
    if not ranges:
        raise ValueError(f"labels by {by} name no class; give each a range, as normal: [0.05, 0.35]")
    ordered = sorted(ranges.items(), key=lambda one: one[1])
    for (first, (_, end)), (second, (begin, _)) in pairwise(ordered):
        if begin < end:
            raise ValueError(f"the ranges of {first!r} and {second!r} overlap at {begin:g}; part them")
    return found.model_copy(update={"ranges": ranges})


def labels_by_life(meta: "pd.DataFrame", rule: LifeLabels) -> dict[str, str | None]:
    """Return the label of every recording, None for those in no range.

    Parameters
    ----------
    meta : DataFrame
        `Recordings.meta`: item, motor, domain, moment and recorded_at are used.
    rule : LifeLabels

    Raises
    ------
    DataError
        If a motor has no course of life, or no recording at all lies in the range of a class.
    """
    places = np.empty(len(meta))
    for motor, rows in meta.reset_index(drop=True).groupby("motor", sort=False):
        places[rows.index.to_numpy()] = _places(str(motor), rows, rule)
    labels: list[str | None] = [None] * len(meta)
    for label, (low, high) in sorted(rule.ranges.items(), key=lambda one: one[1]):
        inside = np.flatnonzero((places >= low) & (places <= high))
        if not len(inside):
            raise DataError(
                f"dataset.labels: no recording lies in the range of {label!r}, {low:g} to {high:g} by {rule.by}; the "
                f"recordings lie at {places.min():g} to {places.max():g}; widen the range, or take the class out"
            )
        for row in inside:
            labels[row] = label
    return dict(zip(meta["item"], labels, strict=True))


def _range(name: str, value: Any, rule: LifeLabels) -> tuple[float, float]:
    value = list(value) if isinstance(value, list | tuple) else value
    numbers = [one for one in value if type(one) in (int, float)] if isinstance(value, list) else []
    if len(numbers) != 2 or len(value) != 2 or not 0 <= numbers[0] <= numbers[1] <= rule.most:
        most = "1" if rule.by == "life" else "any number of hours"
        raise ValueError(
            f"{name}: {shown(value)} is no range by {rule.by}; write two numbers, [from, to], from 0 to {most}"
        )
    return float(numbers[0]), float(numbers[1])


def _places(motor: str, rows: "pd.DataFrame", rule: LifeLabels) -> np.ndarray:
    """Return where each recording of a motor lies, by the rule: shape (n_recordings,)."""
    times = rows["recorded_at"].to_numpy(np.float64)
    lacking = rows["item"][np.isnan(times)]
    if len(lacking) and (len(lacking) < len(rows) or rule.by != "life"):
        raise DataError(
            f"{lacking.iloc[0]}: motor {motor!r} has {len(lacking)} of {len(rows)} recordings without recorded_at, so "
            f"labels by {rule.by} cannot place them; give the reader recorded_at for all of them"
            + (", or for none: then their order counts" if rule.by == "life" else ", or set by: life")
        )
    if rule.by != "life":
        return (times.max() - times) / HOUR_S
    times = _order(rows) if len(lacking) else times
    if times.max() == times.min():
        raise DataError(
            f"{rows['item'].iloc[0]}: motor {motor!r} has recordings of one time alone, which have no place in a life; "
            "correct motor (pattern, columns) so that one motor's recordings have one name, or take it out"
        )
    place: np.ndarray = (times - times.min()) / (times.max() - times.min())
    return place


def _order(rows: "pd.DataFrame") -> np.ndarray:
    """Return how many times of its motor, or of its sensor there, come before each recording: shape (n_recordings,).

    What shares a moment has one place. The last of each sensor is as far as that of the one with the most.
    """
    order = np.zeros(len(rows))
    tied = rows["moment"].notna().to_numpy()
    for of in [tied, *((rows["domain"] == domain).to_numpy() & ~tied for domain in rows["domain"].unique())]:
        times = rows["moment"].where(rows["moment"].notna(), rows["item"])[of]
        firsts = rows[of].groupby(times)["item"].min()
        rank = {time: number for number, time in enumerate(sorted(firsts.index, key=lambda one: natural(firsts[one])))}
        order[of] = [rank[time] / max(len(rank) - 1, 1) for time in times]
    return order
