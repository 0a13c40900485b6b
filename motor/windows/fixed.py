"""Evenly spaced windows out of signals: for validation, forecasts and embeddings.

Shapes: S series, G groups (see `Source.members`), B windows, N samples of a window (context and future).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motor.windows.source import Source


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
class FixedWindows(Source):
    """Evenly spaced windows without augmentation: for validation, forecasts and embeddings.

    Parameters
    ----------
    signals, series, domains, window_length, together
        As of `Source`.
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
        rows = np.stack([place, window_index, padded[kind_S[place], window_index]], axis=1).astype(np.int64)
        return rows[np.lexsort((place, window_index, self._group_S[place]))] if self.together else rows

    @cached_property
    def _group_S(self) -> np.ndarray:
        """Return the group of each series."""
        group_S = np.empty(len(self.series), dtype=np.int64)
        group_S[self.groups.rows_S] = np.repeat(np.arange(len(self.members)), self.groups.n_rows_G)
        return group_S

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
            ``window``: float32 of shape (B, N), scaled; and int64 of shape (B,): ``domain``, places in `domains`;
            ``item``, places in `series`; ``window_index``, from 0 within each series; ``start``, where in its signal
            each begins; and where series go in `together`, ``group``: windows of one number belong together, and their
            rows are neighbours.
        """
        rows_B3 = self.rows[np.asarray(numbers, dtype=np.int64)]
        batch = {
            "window": self.scaled(rows_B3[:, 0], rows_B3[:, 2]),
            "domain": self.columns.domain_S[rows_B3[:, 0]],
            "item": rows_B3[:, 0],
            "window_index": rows_B3[:, 1],
            "start": rows_B3[:, 2],
        }
        return batch | {"group": self._group_of(rows_B3)} if self.together else batch

    def _group_of(self, rows_B3: np.ndarray) -> np.ndarray:
        """Return a number for each group and window index."""
        return self._group_S[rows_B3[:, 0]] * self.windows_per_series + rows_B3[:, 1]

    def batches(self, batch_size: int) -> Iterator[dict[str, np.ndarray]]:
        """Yield all windows in order, `batch_size` at a time; the last batch may be smaller.

        Where series go in `together`, no batch cuts a group in two, so that one may be smaller too, or hold one
        group that is larger.
        """
        first = 0
        while first < len(self):
            end = self.end_of_batch(first, batch_size)
            yield self.batch(np.arange(first, end))
            first = end

    def end_of_batch(self, first: int, batch_size: int) -> int:
        """Return the last row, excluded, of a batch that begins with row `first`."""
        end = min(first + batch_size, len(self))
        if not self.together or end == len(self):
            return end
        ends = self._group_ends
        place = int(np.searchsorted(ends, end, side="right")) - 1
        return int(ends[place]) if place >= 0 and ends[place] > first else int(ends[place + 1])

    @cached_property
    def _group_ends(self) -> np.ndarray:
        """Return after which rows a group is complete."""
        group = self._group_of(self.rows)
        return np.append(np.flatnonzero(np.diff(group)) + 1, len(group))

    def _faults(self) -> Iterator[str]:
        """Yield a line for each fault, those of the windows' own fields first."""
        if self.windows_per_series < 1:
            yield f"windows_per_series is {self.windows_per_series}; it must be at least 1"
        yield from super()._faults()
