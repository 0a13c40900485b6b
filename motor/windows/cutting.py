"""Windows out of signals: an endless random stream for training, fixed ones for everything else.

Shapes: S series, B windows, N samples of a window (context and future).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from motor.windows.augmentations.base import Augmentation, augment
from motor.windows.source import Source

DRAWN_AT_ONCE = 1024  # windows; drawing costs numpy calls, which should not count a batch


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


class Draws(NamedTuple):
    """What chance says of some windows of the stream."""

    rows_B: np.ndarray  # int64, places in `series`
    starts_B: np.ndarray  # int64, in the series
    entropy_B: Sequence[bytes]  # 32 bytes each: 8 of them say the start, the others seed the augmentation

    def part(self, places: slice) -> "Draws":
        """Return what chance says of some of the windows."""
        return Draws(self.rows_B[places], self.starts_B[places], self.entropy_B[places])


@dataclass(frozen=True)
class WindowStream(Source):
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

    @property
    def is_augmented(self) -> bool:
        """Tell whether windows of some domain are augmented."""
        return any(self.augmentations.values())

    def locate(self, number: int) -> tuple[int, int, int]:
        """Return (place in `series`, epoch, k) of a window of the stream.

        Raises
        ------
        IndexError
            If the number is negative.
        """
        row_1, epoch_1, k_1 = self._locate(np.array([number], dtype=np.int64))
        return int(row_1[0]), int(epoch_1[0]), int(k_1[0])

    def cut(self, number: int) -> np.ndarray:
        """Return window `number`, scaled and augmented, as a new float32 array of shape (N,)."""
        return self.batch([number])["window"][0]

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
        numbers_B = np.asarray(numbers, dtype=np.int64)
        return self._batch(numbers_B, self.draw(numbers_B))

    def batches(self, first: int, end: int, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
        """Yield what `batch` gives for windows `first` to `end` (excluded), `batch_size` at a time, only faster.

        The last batch may be smaller.
        """
        run = batch_size * max(1, DRAWN_AT_ONCE // batch_size)
        for begin in range(first, end, run):
            numbers = np.arange(begin, min(begin + run, end))
            draws = self.draw(numbers)
            for place in range(0, len(numbers), batch_size):
                of_batch = slice(place, place + batch_size)
                yield self._batch(numbers[of_batch], draws.part(of_batch))

    def windows(self, draws: Draws) -> np.ndarray:
        """Return windows that were drawn, scaled and augmented: a new float32 array of shape (B, N)."""
        window_BN = self.scaled(draws.rows_B, draws.starts_B)
        if self.is_augmented:
            self._augment(window_BN, draws)
        return window_BN

    def _batch(self, numbers_B: np.ndarray, draws: Draws) -> dict[str, np.ndarray]:
        return {"window": self.windows(draws), "domain": self.columns.domain_S[draws.rows_B], "number": numbers_B}

    def _augment(self, window_BN: np.ndarray, draws: Draws) -> None:
        """Change windows in place, each by random numbers of its own."""
        for window_N, row, entropy in zip(window_BN, draws.rows_B.tolist(), draws.entropy_B, strict=True):
            series = self.series[row]
            if augmentations := self.augmentations.get(series.domain, ()):
                generator = np.random.Generator(np.random.PCG64(int.from_bytes(entropy[8:])))
                window_N[:] = augment(window_N, augmentations, generator, series.sampling_rate_hz, series.label)

    def draw(self, numbers_B: np.ndarray) -> Draws:
        """Draw where windows of the stream begin, and what augments them.

        Raises
        ------
        IndexError
            If a number is negative.
        """
        rows_B, epochs_B, ks_B = self._locate(numbers_B)
        places = zip(rows_B.tolist(), epochs_B.tolist(), ks_B.tolist(), strict=True)
        names, prefix = self._names, lru_cache(self._prefix)
        entropy_B = [sha256(prefix(epoch, k) + names[row]).digest() for row, epoch, k in places]
        high_B = np.frombuffer(b"".join(entropy_B), dtype=">u8")[::4].astype(np.uint64)
        n_places_B = (self.columns.n_samples_S[rows_B] - self.window_length + 1).astype(np.uint64)
        return Draws(rows_B, _share(high_B, n_places_B).astype(np.int64), entropy_B)

    def _locate(self, numbers_B: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (places in `series`, epochs, ks) of windows of the stream."""
        if numbers_B.size and numbers_B.min() < 0:
            raise IndexError(f"window {numbers_B.min()} does not exist; the stream begins at 0")
        epochs_B, places_B = np.divmod(numbers_B, self.windows_per_epoch)
        ordered_B = np.empty_like(places_B)
        for epoch in np.unique(epochs_B).tolist():
            there = epochs_B == epoch
            ordered_B[there] = _epoch_order(self.seed, epoch, self.windows_per_epoch)[places_B[there]]
        rows_B, ks_B = np.divmod(ordered_B, self.windows_per_series)
        return rows_B, epochs_B, ks_B

    def _prefix(self, epoch: int, k: int) -> bytes:
        """Return what is hashed before a series' name."""
        return f"{self.seed}\n{epoch}\n{k}\n".encode()

    @cached_property
    def _names(self) -> list[bytes]:
        """Return the series' names as they are hashed."""
        return [series.item.encode() for series in self.series]

    def _faults(self) -> Iterator[str]:
        """Yield a line for each fault, those of the stream's own fields first."""
        if self.windows_per_series < 1:
            yield f"windows_per_series is {self.windows_per_series}; it must be at least 1"
        if self.seed < 0:
            yield f"seed is {self.seed}; it must be at least 0"
        for domain in sorted(set(self.augmentations) - set(self.domains)):
            yield f"augmentations are given for domain {domain!r}; there are: {', '.join(self.domains)}"
        yield from super()._faults()
        yield from self._augmentation_faults()

    def _augmentation_faults(self) -> Iterator[str]:
        """Yield a line for each augmentation that does not fit a rate, with the first series that has it."""
        kinds = {(series.domain, series.label, series.sampling_rate_hz): series.item for series in self.series[::-1]}
        for (domain, label, sampling_rate_hz), item in kinds.items():
            for augmentation in self.augmentations.get(domain, ()):
                try:
                    if augmentation.touches(label):
                        augmentation.check(sampling_rate_hz)
                except ValueError as fault:
                    yield f"{item}: {fault}"


@dataclass(frozen=True)
class FixedWindows(Source):
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
        lengths, kind_S = np.unique(self.columns.n_samples_S, return_inverse=True)
        starts = [even_starts(int(length), self.window_length, self.windows_per_series) for length in lengths]
        count_S = np.array([len(of_length) for of_length in starts])[kind_S]
        place = np.repeat(np.arange(len(self.series)), count_S)
        window_index = np.arange(place.size) - np.repeat(np.cumsum(count_S) - count_S, count_S)
        padded = np.zeros((len(starts), max(map(len, starts))), dtype=np.int64)
        for row, of_length in zip(padded, starts, strict=True):
            row[: len(of_length)] = of_length
        return np.stack([place, window_index, padded[kind_S[place], window_index]], axis=1).astype(np.int64)

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
        return {
            "window": self.scaled(rows_B3[:, 0], rows_B3[:, 2]),
            "domain": self.columns.domain_S[rows_B3[:, 0]],
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


def _share(fraction_B: np.ndarray, of_B: np.ndarray) -> np.ndarray:
    """Return ``fraction * of / 2**64``, rounded down, exactly: uint64, `of` below 2**32.

    The product has up to 96 bits; the halves of the fraction are taken in turn.
    """
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    return ((fraction_B >> half) * of_B + ((fraction_B & low) * of_B >> half)) >> half
