"""What chance says of training windows, and which of several workers gets them.

Shapes: B windows.
"""

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from motor.windows.augmentations.base import Change


class Draws(NamedTuple):
    """Random draws of some windows of the stream, in the order of their numbers."""

    numbers_B: np.ndarray  # int64; windows of one group share a number
    rows_B: np.ndarray  # int64, places in `series`
    starts_B: np.ndarray  # int64, in the series
    changes: tuple[Change, ...] = ()  # by augmentation

    def part(self, places: slice) -> "Draws":
        """Return what chance says of some of the windows."""
        of_rows = self.numbers_B[places], self.rows_B[places], self.starts_B[places]
        return Draws(*of_rows, tuple(change.part(places) for change in self.changes))


def dealt(first: int, end: int, batch_size: int, rank: int, world_size: int) -> np.ndarray:
    """Return the numbers, out of `first` to `end` (excluded), that one of several workers gets.

    Of each batch, counted from `first`, worker r gets places r, r + world_size, ...: together the workers see what
    one alone would, batch by batch, and no two see the same window.

    Returns
    -------
    ndarray of int64
        Rising.
    """
    numbers = np.arange(first, end, dtype=np.int64)
    return numbers[(numbers - first) % batch_size % world_size == rank]


def check_shares(first: int, end: int, batch_size: int, world_size: int) -> None:
    """Raise ValueError where some batch has fewer windows than there are workers."""
    smallest = min(batch_size, (end - first) % batch_size or batch_size)
    if first < end and smallest < world_size:
        raise ValueError(
            f"a batch of {smallest} windows cannot be dealt to {world_size} workers; raise batch_size to {world_size} "
            "or more, or train with fewer workers"
        )


def batch_places(numbers_B: np.ndarray, first: int, end: int, batch_size: int) -> list[slice]:
    """Return where each batch of numbers `first` to `end` (excluded) stands among rising numbers."""
    edges = np.searchsorted(numbers_B, [*range(first, end, batch_size), end]).tolist()
    return [slice(begin, stop) for begin, stop in itertools.pairwise(edges)]


@lru_cache(maxsize=8)
def epoch_order(seed: int, epoch: int, n_windows: int) -> np.ndarray:
    """Return the order of an epoch; kept for the few epochs that workers are in at one time."""
    order = np.random.default_rng([seed, epoch]).permutation(n_windows)
    order.setflags(write=False)
    return order


def share_of(fraction_B: np.ndarray, of_B: np.ndarray) -> np.ndarray:
    """Return ``fraction * of / 2**64``, rounded down, exactly: uint64, `of` below 2**32.

    The product has up to 96 bits; the halves of the fraction are taken in turn.
    """
    half, low = np.uint64(32), np.uint64(0xFFFFFFFF)
    return ((fraction_B >> half) * of_B + ((fraction_B & low) * of_B >> half)) >> half
