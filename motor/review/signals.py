"""Find and read the signals of a review's items in memory-mapped tables of recordings."""

import io
import wave
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from motor.recordings.table import FILE_NAME, Recordings, labelled, open_recordings
from motor.review import views
from motor.review.faults import ReviewError

KEPT = 256  # screens; 40 KB each
PLAYED_HZ = (8_000, 96_000)  # rates that browsers decode
LONGEST_SOUND_S = 60


@dataclass(frozen=True)
class Signal:
    """A signal, and what is known of it.

    Attributes
    ----------
    values : ndarray of float32, shape (n_samples,)
    sampling_rate_hz : float
    speed_rpm : float or None
    """

    values: np.ndarray
    sampling_rate_hz: float
    speed_rpm: float | None


class Signals:
    """Finds signals by item in one table of recordings or several (each delivery is one of its own).

    The tables are opened by the first that asks, or by `open`: a decision needs none of them. Recordings that come
    while the page is served are looked for in `later`, in a table of their own in a folder of their name.
    """

    def __init__(self, folders: Sequence[Path], later: Path | None = None) -> None:
        self._folders, self._later, self._opening = folders, later, Lock()
        if lacking := [str(folder) for folder in folders if not (folder / FILE_NAME).is_file()]:
            raise ReviewError(f"no table of recordings in {lacking[0]}; give the storage that the loop began in")
        self._screens: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
        self._levels: dict[str, dict[str, float]] = {}
        self._lock = Lock()

    @cached_property
    def _tables(self) -> list[Recordings]:
        return [open_recordings(folder) for folder in self._folders]

    @cached_property
    def _places(self) -> dict[str, tuple[Recordings, int]]:
        return {name: (table, place) for table in self._tables for place, name in enumerate(table.meta["item"])}

    def open(self) -> None:
        """Read the names of all recordings."""
        with self._opening:
            self._places  # noqa: B018 (computed here, once)

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels that came with the data, by item, of those that have one."""
        self.open()
        rows = [labelled(table.meta) for table in self._tables]
        return {item: label for one in rows for item, label in zip(one["item"], one["label"], strict=True)}

    def find(self, item: str) -> Signal:
        """Return an item's signal.

        Raises
        ------
        ReviewError
            If no table has it.
        """
        self.open()
        own = self._later / item if self._later is not None and Path(item).name == item else None
        if item not in self._places and own is not None and (own / FILE_NAME).is_file():
            self._places[item] = open_recordings(own), 0
        if item not in self._places:
            raise ReviewError(f"no table of recordings has the item {item!r}; add the delivery that it came with")
        table, place = self._places[item]
        row = table.meta.iloc[place]
        speed = row["speed_rpm"]
        return Signal(table.signal(place), float(row["sampling_rate_hz"]), None if speed != speed else float(speed))

    def screen(self, item: str, columns: int) -> dict[str, Any]:
        """Return the waveform and the spectra that one screen draws of an item; recent screens are kept in memory."""
        key = (item, columns)
        with self._lock:
            if key in self._screens:
                self._screens.move_to_end(key)
                return self._screens[key]
        made = self._screen(self.find(item), columns)
        with self._lock:
            self._screens[key] = made
            while len(self._screens) > KEPT:
                self._screens.popitem(last=False)
        return made

    def _screen(self, signal: Signal, columns: int) -> dict[str, Any]:
        n_samples, rate_hz = len(signal.values), signal.sampling_rate_hz
        spectra = {
            "spectrum": views.spectrum(signal.values, rate_hz, columns),
            "envelope": views.envelope_spectrum(signal.values, rate_hz, columns),
        }
        drawn = {
            name: {"values": views.packed(found.values), "highest_hz": found.highest_hz}
            for name, found in spectra.items()
        }
        known = {"n_samples": n_samples, "sampling_rate_hz": rate_hz, "speed_rpm": signal.speed_rpm}
        return {**known, "waveform": stretch(signal, 0, n_samples, columns), **drawn}

    def level(self, item: str) -> dict[str, float]:
        """Return the figures of one recording for its motor's trend (see `views.level`); computed once."""
        if item not in self._levels:
            self._levels[item] = views.level(self.find(item).values)
        return self._levels[item]


def stretch(signal: Signal, start: int, stop: int, columns: int) -> dict[str, Any]:
    """Return the least and greatest samples of each column of a stretch of the waveform, ready for JSON."""
    low, high = views.waveform(signal.values, start, stop, columns)
    return {"start": start, "stop": stop, "low": views.packed(low), "high": views.packed(high)}


def sound(signal: Signal) -> bytes:
    """Return a signal as a WAV file that browsers play: 16 bit, its rate as near the real one as they allow."""
    rate_hz = round(signal.sampling_rate_hz)
    values = signal.values[: LONGEST_SOUND_S * rate_hz].astype(np.float64)
    factor = -(-PLAYED_HZ[0] // rate_hz) if rate_hz < PLAYED_HZ[0] else 1
    step = -(-rate_hz // PLAYED_HZ[1])
    values = np.repeat(values, factor)[::step] - values.mean()
    scaled = np.round(values / max(np.abs(values).max(), 1e-12) * 32_000).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz * factor // step)
        out.writeframes(scaled.tobytes())
    return file.getvalue()
