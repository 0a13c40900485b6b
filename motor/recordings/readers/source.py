"""A recording as its format hands it over, and the fields that one may have."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from motor.recordings.fields import Value
from motor.recordings.tacho import mean_rpm

ItemField = Literal[
    "motor", "domain", "label", "moment", "fold", "speed_rpm", "sampling_rate_hz", "recorded_at", "reference"
]
ITEM_FIELDS: tuple[str, ...] = get_args(ItemField)
TEXT_FIELDS = ("motor", "domain", "label", "moment", "fold")


@dataclass(frozen=True)
class Source:
    """One recording as its format hands it over: nothing is looked up or checked yet.

    Attributes
    ----------
    item : str
        Name of the recording; `Reader.pattern` is searched in it.
    place : str
        Where it stands, for messages: ``"manifest.csv, line 3"``.
    load : callable
        Returns the signal (n_samples,) and the sampling rate that its file tells (Hz, or None).
        Raises `SeriesError` if the signal is at fault.
    columns : mapping
        Fields that a table's columns tell. None, "" and NaN count as unknown.
    own : mapping
        Fields that the file itself tells, say by the folders it lies in.
    name : str, optional
        What `Reader.pattern` is searched in where that is not the item's name: the file's, of which it is a channel.
    n_bytes : int
        About how much memory its samples take; 0 where it is little, or not known.
    turned : callable, optional
        Returns a tachometer's pulses (see `Recording.turned`), given the recording's rate in Hz.
    """

    item: str
    place: str
    load: Callable[[], tuple[np.ndarray, float | None]]
    columns: Mapping[str, Value] = field(default_factory=dict)
    own: Mapping[str, Value] = field(default_factory=dict)
    name: str | None = None
    n_bytes: int = 0
    turned: Callable[[float], np.ndarray] | None = None

    def tells_turning(self, sampling_rate_hz: float, speed_rpm: Value) -> dict[str, Any]:
        """Return what a tachometer tells of a recording, at most `turned` and `speed_rpm`; a stated speed stays.

        Raises
        ------
        SeriesError
            If it shows too few turns.
        """
        if self.turned is None:
            return {}
        turned = self.turned(sampling_rate_hz)
        return {"turned": turned, "speed_rpm": mean_rpm(turned) if speed_rpm is None else speed_rpm}

    @property
    def searched(self) -> str:
        """What a pattern is searched in, in Unicode's NFC."""
        return unicodedata.normalize("NFC", self.name or self.item)
