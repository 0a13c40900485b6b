"""What windows are cut from: signals side by side in one array, and what is known of each series.

Shapes: S series, G groups (the series of one moment, or one series), B windows, N samples of a window (context and
future).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
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
    domain : str
    label : str or None
        None: nobody knows it.
    sampling_rate_hz : float
        Of the represented signal.
    scaler : Scaler
    motor : str
    moment : str or None
        Series of one motor and moment were measured at the same time; None: nothing is known of it.
    speed_rpm : float or None
        Of the shaft, where it is known.
    """

    item: str
    index: int
    domain: str
    label: str | None
    sampling_rate_hz: float
    scaler: Scaler
    motor: str = ""
    moment: str | None = None
    speed_rpm: float | None = None


def runs_of(samples: np.ndarray, length: int) -> np.ndarray:
    """Return every run of some samples as a row of a view, float32 of shape (n_places, length).

    One gather takes a whole batch of runs out of it: a copy for each in Python costs as much again.
    """
    places, step = samples.size - length + 1, samples.itemsize
    return np.ndarray((places, length), np.float32, samples, 0, (step, step))


class Columns(NamedTuple):
    """The series as arrays: what a batch of windows looks up at once."""

    begin_S: np.ndarray  # int64, in `Signals.samples`
    n_samples_S: np.ndarray  # int64
    loc_S1: np.ndarray  # float32
    scale_S1: np.ndarray  # float32
    domain_S: np.ndarray  # int64


class Known(NamedTuple):
    """What is known of the series beside their signals."""

    item_S: np.ndarray  # str
    motor_S: np.ndarray  # str
    speed_rpm_S: np.ndarray  # float32, NaN where it is not known


class Groups(NamedTuple):
    """Which series are cut at the same places."""

    rows_S: np.ndarray  # int64, places in `series`, group by group
    begin_G: np.ndarray  # int64, in `rows_S`
    n_rows_G: np.ndarray  # int64

    def spread(self, groups_B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of some groups, one group after the other, and of which place in `groups_B` each is."""
        n_rows_B = self.n_rows_G[groups_B]
        of_B = np.repeat(np.arange(len(groups_B)), n_rows_B)
        within = np.arange(of_B.size) - np.repeat(np.cumsum(n_rows_B) - n_rows_B, n_rows_B)
        return self.rows_S[self.begin_G[groups_B][of_B] + within], of_B


@dataclass(frozen=True)
class Source:
    """What all kinds of windows are cut from, checked once, before any worker starts.

    Parameters
    ----------
    signals : Signals
    series : tuple of Series
    domains : tuple of str
        All domains, in the order in which the backbone numbers them.
    window_length : int
        N, context and future together.
    together : bool
        The series of one motor and moment are cut at the same places, and their windows come side by side in one
        batch, which says by ``group`` which belong together.

    Raises
    ------
    ValueError
        Naming every series that is too short, unknown domains, repeated names, and series of one moment that
        differ in length or sampling rate.
    """

    signals: Signals
    series: tuple[Series, ...]
    domains: tuple[str, ...]
    window_length: int
    together: bool = field(default=False, kw_only=True)

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
        yield from self._group_faults()

    def _group_faults(self) -> Iterator[str]:
        """Yield a line for each group whose series cannot be cut at the same places."""
        lengths = dict(enumerate(self.signals.n_samples.tolist()))
        for members in self.members if self.together else ():
            kinds = {
                row: (lengths.get(self.series[row].index, 0), self.series[row].sampling_rate_hz) for row in members
            }
            if len(set(kinds.values())) > 1:
                texts = (f"{self.series[row].item} {n} samples at {rate:g} Hz" for row, (n, rate) in kinds.items())
                yield (
                    f"series of one moment cannot go in together: {', '.join(texts)}; bring them to one length and "
                    "sampling rate, or let the sensors go in apart"
                )

    @cached_property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """Return the groups: places in `series`, in the order of their first one."""
        by_moment: dict[tuple[str, str] | int, list[int]] = defaultdict(list)
        for row, series in enumerate(self.series):
            is_alone = not self.together or series.moment is None
            by_moment[row if is_alone else (series.motor, str(series.moment))].append(row)
        return tuple(map(tuple, by_moment.values()))

    @cached_property
    def groups(self) -> Groups:
        """Return the groups as arrays."""
        n_rows_G = np.array([len(members) for members in self.members], dtype=np.int64)
        rows_S = np.array([row for members in self.members for row in members], dtype=np.int64)
        return Groups(rows_S, np.cumsum(n_rows_G) - n_rows_G, n_rows_G)

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

    @cached_property
    def known(self) -> Known:
        """Return the series' names and speeds as arrays."""
        speeds = [np.nan if series.speed_rpm is None else series.speed_rpm for series in self.series]
        return Known(
            item_S=np.array([series.item for series in self.series], dtype=object),
            motor_S=np.array([series.motor for series in self.series], dtype=object),
            speed_rpm_S=np.array(speeds, dtype=np.float32),
        )

    def scaled(self, rows_B: np.ndarray, starts_B: np.ndarray) -> np.ndarray:
        """Return windows of some series, scaled, as a new float32 array of shape (B, N)."""
        columns = self.columns
        window_BN = runs_of(self.signals.samples, self.window_length)[columns.begin_S[rows_B] + starts_B]
        window_BN -= columns.loc_S1[rows_B]
        window_BN /= columns.scale_S1[rows_B]
        return window_BN
