"""What windows are cut from: signals side by side in one array, and what is known of each series.

Shapes: S series, B windows, N samples of a window (context and future).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np

from motor.windows.scaling import Scaler

FAULTS_SHOWN = 5


class Signals(Protocol):
    """Represented signals side by side in one array; it pickles to Ray's workers, so it should reopen a file."""

    @property
    def samples(self) -> np.ndarray:
        """Return a float32 array, read-only, in which each signal lies whole."""
        ...

    @property
    def begins(self) -> np.ndarray:
        """Return where in `samples` each signal begins: int64 of shape (n_signals,)."""
        ...

    @property
    def n_samples(self) -> np.ndarray:
        """Return how long each signal is: int64 of shape (n_signals,)."""
        ...


@dataclass(frozen=True)
class Series:
    """One signal and what must be known to cut windows from it.

    Parameters
    ----------
    item : str
        Its name, which seeds its windows.
    index : int
        Its place in `Signals`.
    domain, label : str
    sampling_rate_hz : float
        Of the represented signal.
    scaler : Scaler
    """

    item: str
    index: int
    domain: str
    label: str
    sampling_rate_hz: float
    scaler: Scaler


class Columns(NamedTuple):
    """The series as arrays: what a batch of windows looks up at once."""

    begin_S: np.ndarray  # int64, in `Signals.samples`
    n_samples_S: np.ndarray  # int64
    loc_S1: np.ndarray  # float32
    scale_S1: np.ndarray  # float32
    domain_S: np.ndarray  # int64


@dataclass(frozen=True)
class Source:
    """What all kinds of windows are cut from, checked once, before any worker starts.

    Raises
    ------
    ValueError
        Naming every series that is too short, unknown domains and repeated names.
    """

    signals: Signals
    series: tuple[Series, ...]
    domains: tuple[str, ...]
    window_length: int

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            more = f"\n... and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
            raise ValueError("\n".join(faults[:FAULTS_SHOWN]) + more)

    def _faults(self) -> Iterator[str]:
        """Yield a line for each fault."""
        if not self.series:
            yield "there is no series to cut windows from; check the split and the labels that are trained on"
        if self.window_length < 1:
            yield f"window_length is {self.window_length}; it must be at least 1"
        for item, count in Counter(series.item for series in self.series).items():
            if count > 1:
                yield f"{item}: {count} series have this name; names seed the windows and must be unique"
        lengths, domains = self.signals.n_samples.tolist(), frozenset(self.domains)
        for series in self.series:
            if series.domain not in domains:
                yield f"{series.item}: unknown domain {series.domain!r}; there are: {', '.join(self.domains)}"
            if not 0 <= series.index < len(lengths):
                yield f"{series.item}: signal {series.index} does not exist; there are {len(lengths)}"
            elif lengths[series.index] < self.window_length:
                yield (
                    f"{series.item}: its series has {lengths[series.index]} samples, but a window (context_length + "
                    f"prediction_length) needs {self.window_length}; choose a shorter context_length or "
                    "prediction_length"
                )

    @cached_property
    def columns(self) -> Columns:
        """Return the series as arrays."""
        index_S = np.array([series.index for series in self.series], dtype=np.int64)
        number = {domain: place for place, domain in enumerate(self.domains)}
        return Columns(
            begin_S=self.signals.begins[index_S],
            n_samples_S=self.signals.n_samples[index_S],
            loc_S1=np.array([[series.scaler.loc] for series in self.series], dtype=np.float32),
            scale_S1=np.array([[series.scaler.scale] for series in self.series], dtype=np.float32),
            domain_S=np.array([number[series.domain] for series in self.series], dtype=np.int64),
        )

    def scaled(self, rows_B: np.ndarray, starts_B: np.ndarray) -> np.ndarray:
        """Return windows of some series, scaled, as a new float32 array of shape (B, N).

        One gather takes a whole batch out of the memory map: a copy for each window in Python costs as much again.
        """
        samples, columns = self.signals.samples, self.columns
        places = samples.size - self.window_length + 1
        step = samples.itemsize
        every_window = np.ndarray((places, self.window_length), np.float32, samples, 0, (step, step))
        window_BN = every_window[columns.begin_S[rows_B] + starts_B]
        window_BN -= columns.loc_S1[rows_B]
        window_BN /= columns.scale_S1[rows_B]
        return window_BN
