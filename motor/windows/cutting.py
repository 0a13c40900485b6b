"""Windows out of signals: an endless random stream for training, fixed ones for everything else.

Shapes: B windows, N samples of a window (context and future).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Protocol

import numpy as np

from motor.windows.augmentations.base import Augmentation, augment
from motor.windows.scaling import Scaler

FAULTS_SHOWN = 5


class Signals(Protocol):
    """Random access to represented signals; it pickles to Ray's workers, so it should reopen a file."""

    def __len__(self) -> int:
        """Return the number of signals."""
        ...

    def signal(self, index: int, /) -> np.ndarray:
        """Return one signal as float32 of shape (n_samples,), read-only."""
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


def even_starts(n_samples: int, window_length: int, count: int) -> np.ndarray:
    """Return where evenly spaced windows begin, from the first sample to the last.

    Parameters
    ----------
    n_samples, window_length : int
    count : int
        Number of windows; one alone lies in the middle. They overlap if there is no room.

    Returns
    -------
    ndarray of int64, shape (n_windows,)
        Strictly rising; fewer than `count` where the series has fewer places.

    Raises
    ------
    ValueError
        If the series is shorter than a window, or an argument is below 1.
    """
    if min(window_length, count) < 1 or n_samples < window_length:
        raise ValueError(
            f"cannot cut {count} windows of {window_length} samples from {n_samples} samples; both counts must be at "
            "least 1, and a window no longer than its series"
        )
    last = n_samples - window_length
    if count == 1:
        return np.array([last // 2])
    return np.unique(np.arange(count, dtype=np.int64) * last // (count - 1))


@dataclass(frozen=True)
class _Source:
    """What both kinds of windows are cut from, checked once, before any worker starts."""

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
        for series in self.series:
            yield from self._series_faults(series)

    def _series_faults(self, series: Series) -> Iterator[str]:
        """Yield a line for each fault of one series."""
        if series.domain not in self.domains:
            yield f"{series.item}: unknown domain {series.domain!r}; there are: {', '.join(self.domains)}"
        if not 0 <= series.index < len(self.signals):
            yield f"{series.item}: signal {series.index} does not exist; there are {len(self.signals)}"
            return
        n_samples = self.signals.signal(series.index).size
        if n_samples < self.window_length:
            yield (
                f"{series.item}: its series has {n_samples} samples, but a window (context_length + prediction_length) "
                f"needs {self.window_length}; choose a shorter context_length or prediction_length"
            )

    @cached_property
    def _domain_numbers(self) -> np.ndarray:
        """Return each series' place in `domains`."""
        return np.array([self.domains.index(series.domain) for series in self.series], dtype=np.int64)


@dataclass(frozen=True)
class WindowStream(_Source):
    """An endless stream of random training windows, each a function of its number.

    An epoch holds `windows_per_series` windows of each series, in an order drawn from (seed, epoch).
    Where window k of a series begins in an epoch, and how it is augmented, is drawn from (seed, item
    name, epoch, k) alone: neither the number of workers, nor the batch size, nor the other series
    change it.

    Parameters
    ----------
    signals : Signals
    series : tuple of Series
        Training series.
    domains : tuple of str
        All domains, in the order in which the backbone numbers them.
    window_length : int
        N, context and future together.
    windows_per_series : int
        In each epoch.
    seed : int
        0 or more.
    augmentations : mapping of str to tuple of Augmentation
        By domain; a domain without an entry is not augmented.

    Raises
    ------
    ValueError
        Naming every series that is too short, unknown domains, repeated names, and augmentations
        that do not fit a sampling rate.
    """

    windows_per_series: int
    seed: int
    augmentations: Mapping[str, tuple[Augmentation, ...]] = field(default_factory=dict)

    @property
    def windows_per_epoch(self) -> int:
        """Return the number of windows in an epoch."""
        return len(self.series) * self.windows_per_series

    def locate(self, number: int) -> tuple[int, int, int]:
        """Return (place in `series`, epoch, k) of a window of the stream.

        Raises
        ------
        IndexError
            If the number is negative.
        """
        if number < 0:
            raise IndexError(f"window {number} does not exist; the stream begins at 0")
        epoch, place = divmod(int(number), self.windows_per_epoch)
        row, k = divmod(int(_epoch_order(self.seed, epoch, self.windows_per_epoch)[place]), self.windows_per_series)
        return row, epoch, k

    def cut(self, number: int) -> np.ndarray:
        """Return window `number`, scaled and augmented, as a new float32 array of shape (N,)."""
        return self._cut(*self.locate(number))

    def batch(self, numbers: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return several windows of the stream.

        Parameters
        ----------
        numbers : sequence of int, length B

        Returns
        -------
        dict
            ``window``: float32 of shape (B, N); ``domain``: int64 of shape (B,), places in `domains`;
            ``number``: int64 of shape (B,).

        Raises
        ------
        IndexError
            If a number is negative.
        """
        window_BN = np.empty((len(numbers), self.window_length), dtype=np.float32)
        places = [self.locate(number) for number in numbers]
        for window_N, place in zip(window_BN, places, strict=True):
            window_N[:] = self._cut(*place)
        return {
            "window": window_BN,
            "domain": self._domain_numbers[[row for row, _, _ in places]],
            "number": np.asarray(numbers, dtype=np.int64),
        }

    def _cut(self, row: int, epoch: int, k: int) -> np.ndarray:
        """Return window k of an epoch and a series, from random numbers of its own."""
        series = self.series[row]
        signal = self.signals.signal(series.index)
        entropy = sha256(f"{self.seed}\n{epoch}\n{k}\n{series.item}".encode()).digest()
        # 64 random bits as a fraction of 2**64, times the number of places: no generator is built for one draw.
        start = int.from_bytes(entropy[:8]) * (signal.size - self.window_length + 1) >> 64
        window_N = series.scaler.apply(signal[start : start + self.window_length])
        augmentations = self.augmentations.get(series.domain, ())
        if not augmentations:
            return window_N
        generator = np.random.Generator(np.random.PCG64(int.from_bytes(entropy[8:])))
        return augment(window_N, augmentations, generator, series.sampling_rate_hz, series.label)

    def _faults(self) -> Iterator[str]:
        """Yield a line for each fault, those of the stream's own fields first."""
        if self.windows_per_series < 1:
            yield f"windows_per_series is {self.windows_per_series}; it must be at least 1"
        if self.seed < 0:
            yield f"seed is {self.seed}; it must be at least 0"
        for domain in sorted(set(self.augmentations) - set(self.domains)):
            yield f"augmentations are given for domain {domain!r}; there are: {', '.join(self.domains)}"
        yield from super()._faults()

    def _series_faults(self, series: Series) -> Iterator[str]:
        """Yield a line for each fault of one series or of the augmentations that will touch it."""
        yield from super()._series_faults(series)
        for augmentation in self.augmentations.get(series.domain, ()):
            try:
                if augmentation.touches(series.label):
                    augmentation.check(series.sampling_rate_hz)
            except ValueError as fault:
                yield f"{series.item}: {fault}"


@dataclass(frozen=True)
class FixedWindows(_Source):
    """Evenly spaced windows without augmentation: for validation, forecasts and embeddings.

    Parameters
    ----------
    signals, series, domains, window_length
        As of `WindowStream`.
    windows_per_series : int
        At most; a series with fewer places gives fewer windows.

    Raises
    ------
    ValueError
        Naming every series that is too short, unknown domains and repeated names.
    """

    windows_per_series: int

    @cached_property
    def rows(self) -> np.ndarray:
        """Return an int64 array of shape (n_windows, 3): place in `series`, window index, start."""
        tables = []
        for place, series in enumerate(self.series):
            n_samples = self.signals.signal(series.index).size
            starts = even_starts(n_samples, self.window_length, self.windows_per_series)
            tables.append(np.stack([np.full(starts.size, place), np.arange(starts.size), starts], axis=1))
        return np.concatenate(tables).astype(np.int64)

    def __len__(self) -> int:
        """Return the number of windows over all series."""
        return len(self.rows)

    def batch(self, numbers: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
        """Return several windows by their row.

        Parameters
        ----------
        numbers : sequence of int, length B
            From 0 to ``len(self) - 1``.

        Returns
        -------
        dict
            ``window``: float32 of shape (B, N), scaled; and int64 of shape (B,): ``domain``, places in
            `domains`; ``item``, places in `series`; ``window_index``, from 0 within each series.
        """
        rows_B3 = self.rows[np.asarray(numbers, dtype=np.int64)]
        window_BN = np.empty((len(rows_B3), self.window_length), dtype=np.float32)
        for window_N, (place, _, start) in zip(window_BN, rows_B3.tolist(), strict=True):
            series = self.series[place]
            signal = self.signals.signal(series.index)
            window_N[:] = series.scaler.apply(signal[start : start + self.window_length])
        return {
            "window": window_BN,
            "domain": self._domain_numbers[rows_B3[:, 0]],
            "item": rows_B3[:, 0],
            "window_index": rows_B3[:, 1],
        }

    def batches(self, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
        """Yield all windows in order, `batch_size` at a time; the last batch may be smaller."""
        for first in range(0, len(self), batch_size):
            yield self.batch(np.arange(first, min(first + batch_size, len(self))))

    def _faults(self) -> Iterator[str]:
        """Yield a line for each fault, those of the windows' own fields first."""
        if self.windows_per_series < 1:
            yield f"windows_per_series is {self.windows_per_series}; it must be at least 1"
        yield from super()._faults()


@lru_cache(maxsize=8)
def _epoch_order(seed: int, epoch: int, n_windows: int) -> np.ndarray:
    """Return the order of an epoch; kept for the few epochs that workers are in at one time."""
    order = np.random.default_rng([seed, epoch]).permutation(n_windows)
    order.setflags(write=False)
    return order
