"""What every augmentation shares: whom it touches, in which order, with which random numbers.

Shapes: B windows, N samples of a window, K random numbers of a window.
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import AfterValidator, Field

from motor.registry import Plugin
from motor.windows.counters import salt_of, uniforms


def ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError(f"the interval {interval} begins above its end; write the smaller number first")
    return interval


RANDOM_NUMBERS = (
    "splitmix64"  # of the augmentations; another name for other bits gives what is trained on them other keys
)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Interval = Annotated[tuple[Positive, Positive], AfterValidator(ordered)]
Drawn = tuple[np.ndarray, ...]
ShareInterval = Annotated[tuple[Share, Share], AfterValidator(ordered)]


class Augmentation(Plugin):
    """A small random change of training windows; validation, test and features never see one.

    Parameters
    ----------
    classes : tuple of str or None
        Labels whose windows are changed; None means every label.
    """

    ROOM: ClassVar[str] = "motor.windows.augmentations"

    order: ClassVar[int]
    """Place in the chain of `augment`, smallest first; no two kinds share one."""

    moves_time: ClassVar[bool] = False
    """True: samples change their places, so windows that belong together are changed by the same draw."""

    kind: str
    classes: tuple[str, ...] | None = None

    def touches(self, label: str | None) -> bool:
        """Tell whether windows of this label are changed."""
        return self.classes is None or label in self.classes

    @abstractmethod
    def n_uniforms(self, window_length: int) -> int:
        """Return K, how many random numbers a window of this length needs; the same for every window."""

    @abstractmethod
    def draw(self, uniform_BK: np.ndarray, window_length: int, sampling_rate_hz_B: np.ndarray) -> Drawn:
        """Return what chance says of some windows, in arrays whose first axis is B.

        It is apart from `change` because it costs calls of numpy, not samples: many windows draw at once.

        Parameters
        ----------
        uniform_BK : ndarray of float64, shape (B, K)
            The only source of chance: independent, uniform over [0, 1). A window's row alone decides what it draws.
        window_length : int
        sampling_rate_hz_B : ndarray of float64, shape (B,)
            Of each window.
        """

    @abstractmethod
    def change(self, window_BN: np.ndarray, *drawn: np.ndarray) -> np.ndarray:
        """Return windows changed by what was drawn for them, each as if it were alone.

        Parameters
        ----------
        window_BN : ndarray of float32, shape (B, N)
            Context and future together, scaled. It may be written to, and returned.
        *drawn : ndarray
            As `draw` gave them, or the rows of some of the windows.

        Returns
        -------
        ndarray of float32, shape (B, N)
        """

    def check(self, sampling_rate_hz: float) -> None:
        """Raise ValueError if windows of this rate cannot be changed; called before training begins."""


class Placed(NamedTuple):
    """An augmentation in its chain; `place` counts those of its kind, from 0."""

    augmentation: Augmentation
    place: int

    @property
    def salt(self) -> int:
        """Return what its random numbers are counted by: adding or removing one leaves the draws of the others."""
        return salt_of(f"{self.augmentation.kind}\n{self.place}")


def chained(augmentations: Sequence[Augmentation]) -> list[Placed]:
    """Return augmentations in their `order`, whatever the order of the sequence."""
    earlier: Counter[str] = Counter()
    placed = []
    for augmentation in sorted(augmentations, key=lambda one: (one.order, one.kind)):
        placed.append(Placed(augmentation, earlier[augmentation.kind]))
        earlier[augmentation.kind] += 1
    return placed


class Change(NamedTuple):
    """What an augmentation does to some windows."""

    augmentation: Augmentation
    touched_B: np.ndarray  # bool
    drawn: Drawn

    def part(self, places: slice) -> "Change":
        """Return what it does to some of the windows."""
        return Change(self.augmentation, self.touched_B[places], tuple(column[places] for column in self.drawn))


def draw_changes(
    chain: Sequence[tuple[Placed, np.ndarray]],
    window_length: int,
    sampling_rate_hz_B: np.ndarray,
    keys_B: np.ndarray,
    shared_B: np.ndarray | None = None,
) -> tuple[Change, ...]:
    """Draw what a chain of augmentations does to some windows.

    Parameters
    ----------
    chain : sequence of (Placed, ndarray of bool of shape (B,))
        In their order, each with the windows that it touches.
    window_length : int
    sampling_rate_hz_B : ndarray of float64, shape (B,)
    keys_B : ndarray of uint64, shape (B,)
        A random key for each window, from which all of its random numbers are counted.
    shared_B : ndarray of uint64, shape (B,), or None
        Keys in the place of `keys_B` for those that move samples in time, so that windows of one moment stay aligned.
    """
    chain = [(placed, touched_B) for placed, touched_B in chain if touched_B.any()]
    counts = [placed.augmentation.n_uniforms(window_length) for placed, _ in chain]
    shared_B = keys_B if shared_B is None else shared_B
    keys = [shared_B if placed.augmentation.moves_time else keys_B for placed, _ in chain]
    drawn = uniforms(keys, [placed.salt for placed, _ in chain], counts)
    return tuple(
        Change(placed.augmentation, touched_B, placed.augmentation.draw(of_BK, window_length, sampling_rate_hz_B))
        for (placed, touched_B), of_BK in zip(chain, drawn, strict=True)
    )


def augment(window_BN: np.ndarray, changes: Sequence[Change]) -> np.ndarray:
    """Return windows, float32 of shape (B, N), changed one way after the other; `window_BN` may be written to."""
    for augmentation, touched_B, drawn in changes:
        if touched_B.all():
            window_BN = augmentation.change(window_BN, *drawn)
        elif touched_B.any():
            rows = np.flatnonzero(touched_B)
            window_BN[rows] = augmentation.change(window_BN[rows], *(column[rows] for column in drawn))
    return window_BN


def between(uniform_B: np.ndarray, interval: tuple[float, float]) -> np.ndarray:
    """Return numbers that are uniform over an interval, from numbers that are uniform over [0, 1)."""
    return interval[0] + uniform_B * (interval[1] - interval[0])


def deviations(window_BN: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each window, float32 of shape (B, 1).

    Two sums of products cost a quarter of `ndarray.std`; where the level is so high over the deviation that their
    difference would be rounding, `ndarray.std` it is.
    """
    n = window_BN.shape[1]
    mean_B = np.vecdot(window_BN, np.ones(n, dtype=np.float32)).astype(np.float64) / n
    square_B = np.vecdot(window_BN, window_BN).astype(np.float64) / n
    variance_B = square_B - mean_B**2
    is_rounding_B = ~(variance_B > 1e-2 * square_B)
    deviation_B1 = np.sqrt(np.maximum(variance_B, 0)).astype(np.float32)[:, None]
    if is_rounding_B.any():
        deviation_B1[is_rounding_B, 0] = window_BN[is_rounding_B].std(axis=1)
    return deviation_B1


def subsets(uniform_BK: np.ndarray, size_B: np.ndarray, count_B: np.ndarray) -> np.ndarray:
    """Draw `count` different whole numbers below `size` for each window, every such set as likely as another.

    Floyd's algorithm (Bentley and Floyd, "A sample of brilliance", CACM 30(9), 1987), for all windows at once; those
    that draw a number twice, which are few, are gone through by themselves.

    Parameters
    ----------
    uniform_BK : ndarray of float64, shape (B, K)
    size_B : ndarray of int64, shape (B,)
    count_B : ndarray of int64, shape (B,)
        K at most, and `size` at most.

    Returns
    -------
    ndarray of int64, shape (B, K)
        In no order that means anything; what is left of a row is `size`.
    """
    steps = np.arange(uniform_BK.shape[1])
    last_BK = (size_B - count_B)[:, None] + steps
    is_drawn_BK = steps < count_B[:, None]
    chosen_BK = np.where(is_drawn_BK, (uniform_BK * (last_BK + 1)).astype(np.int64), size_B[:, None])
    sorted_BK = np.sort(chosen_BK, axis=1)
    is_twice_BK = (sorted_BK[:, 1:] == sorted_BK[:, :-1]) & (sorted_BK[:, 1:] < size_B[:, None])
    for row in np.flatnonzero(is_twice_BK.any(axis=1)).tolist():
        there: set[int] = set()
        for step, number in enumerate(chosen_BK[row, : count_B[row]].tolist()):
            there.add(int(last_BK[row, step]) if number in there else number)
        chosen_BK[row, : count_B[row]] = sorted(there)
    return chosen_BK
