"""A series' own level and strength, read once when it is prepared: opening a data set for a cell reads no signal."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from motor.recordings.table import Recordings
from motor.windows.scaling import Scaler, Scaling

FILE_NAME = "own_levels.npy"
UNIT = Scaler(0.0, 1.0)


def write_own_levels(recordings: Recordings, scaling: Mapping[str, Scaling], folder: Path) -> None:
    """Write ``own_levels.npy``, if some domain's scaling asks for a series' own mean or deviation.

    float64 of shape (n_recordings, 2): mean and deviation, NaN where nothing is asked for; the deviation of a signal
    that does not vary is 0.

    Parameters
    ----------
    recordings : Recordings
        As they were represented.
    scaling : mapping of str to Scaling
        By domain.
    folder : Path

    Raises
    ------
    ValueError
        If a signal that is asked for is empty or not finite.
    """
    asking = {domain: one for domain, one in scaling.items() if asks(one)}
    if not asking:
        return
    levels = np.full((len(recordings), 2), np.nan)
    meta = recordings.meta
    for index, (item, domain) in enumerate(zip(meta["item"], meta["domain"], strict=True)):
        if domain in asking:
            levels[index] = _own(asking[domain], item, domain, recordings.signal(index))
    np.save(folder / FILE_NAME, levels)


def asks(scaling: Scaling) -> bool:
    """Tell whether a scaling reads a series' own signal."""
    return "item" in (scaling.by, scaling.centre_by)


def _own(scaling: Scaling, item: str, domain: str, signal: np.ndarray) -> tuple[float, float]:
    mean = Scaling(centre_by="item").scaler({domain: UNIT}, item, domain, signal).loc
    if scaling.by != "item":
        return mean, np.nan
    try:
        return mean, scaling.scaler({}, item, domain, signal).scale
    except ValueError:  # it does not vary, which is a fault only where the series is used
        return mean, 0.0


@dataclass(frozen=True)
class SeriesScalers:
    """Looks up the scaler of a series in one fold, with what `Prepare` has read of its signal.

    Attributes
    ----------
    recordings : Recordings
    scaling : mapping of str to Scaling
        By domain.
    fitted : mapping
        As of `Scaling.scaler`.
    levels : ndarray of shape (n_recordings, 2) or None
        What `write_own_levels` wrote, if it did.
    """

    recordings: Recordings
    scaling: Mapping[str, Scaling]
    fitted: Mapping[Any, Scaler]
    levels: np.ndarray | None

    def scaler(self, index: int, item: str, domain: str, motor: str) -> Scaler:
        """Return the scaler of series `index`; see `Scaling.scaler`, whose numbers and errors it gives."""
        scaling = self.scaling[domain]
        if self.levels is None or not asks(scaling):
            return scaling.scaler(self.fitted, item, domain, self.recordings.signal(index), motor)
        mean, deviation = self.levels[index].tolist()
        if scaling.by != "item":
            group = _by_group(scaling).scaler(self.fitted, item, domain, self.recordings.signal(index), motor)
            return Scaler(mean, group.scale)
        if deviation > 0:
            return Scaler(mean, deviation)
        return scaling.scaler(self.fitted, item, domain, self.recordings.signal(index), motor)  # says what is wrong


@cache
def _by_group(scaling: Scaling) -> Scaling:
    """Return the scaling with the mean of the group, which is found without reading the series."""
    return scaling.model_copy(update={"centre_by": "domain"})


def read_own_levels(folder: Path) -> np.ndarray | None:
    """Return what `write_own_levels` wrote; None where no scaling asked."""
    file = folder / FILE_NAME
    return np.load(file) if file.is_file() else None
