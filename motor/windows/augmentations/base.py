"""What every augmentation shares: whom it touches, in which order, with which random numbers."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from motor.registry import Plugin


def ordered(interval: tuple[float, float]) -> tuple[float, float]:
    if interval[0] > interval[1]:
        raise ValueError(f"the interval {interval} begins above its end; write the smaller number first")
    return interval


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
Interval = Annotated[tuple[Positive, Positive], AfterValidator(ordered)]
ShareInterval = Annotated[tuple[Share, Share], AfterValidator(ordered)]


class Augmentation(Plugin):
    """A small random change of a training window; validation, test and features never see one.

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

    def apply(
        self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float, label: str | None
    ) -> np.ndarray:
        """Return a changed copy, or a plain copy if the label is not among `classes`.

        Parameters
        ----------
        window_T : ndarray of float32, shape (window_length,)
            Context and future together, scaled; never written to.
        generator : numpy.random.Generator
            The only source of chance.
        sampling_rate_hz : float
            Of the window.
        label : str
            The series' class; None: nobody knows it.

        Returns
        -------
        ndarray of float32, shape (window_length,)
        """
        if not self.touches(label):
            return window_T.astype(np.float32)
        return self.change(window_T, generator, sampling_rate_hz).astype(np.float32, copy=False)

    @abstractmethod
    def change(self, window_T: np.ndarray, generator: np.random.Generator, sampling_rate_hz: float) -> np.ndarray:
        """Return a changed copy of a window that is to be changed."""

    def check(self, sampling_rate_hz: float) -> None:
        """Raise ValueError if windows of this rate cannot be changed; called before training begins."""


def augment(
    window_T: np.ndarray,
    augmentations: Sequence[Augmentation],
    generator: np.random.Generator,
    sampling_rate_hz: float,
    label: str | None,
    shared: np.random.Generator | None = None,
) -> np.ndarray:
    """Apply augmentations in their `order`, whatever the order of the sequence.

    Each draws from a child generator that is derived from `generator` and its own kind (and its place
    among those of the same kind), so that adding or removing one leaves the draws of the others.

    Parameters
    ----------
    window_T : ndarray of float32, shape (window_length,)
        Never written to.
    augmentations : sequence of Augmentation
    generator : numpy.random.Generator
        One number is drawn from it.
    sampling_rate_hz : float
    label : str
    shared : numpy.random.Generator or None
        Where those that move samples in time draw from in its place, so that windows of one moment stay aligned.

    Returns
    -------
    ndarray of float32, shape (window_length,)
        A new array.
    """
    entropy = int(generator.integers(2**63))
    shared_entropy = entropy if shared is None else int(shared.integers(2**63))
    earlier: Counter[str] = Counter()
    changed_T = window_T.astype(np.float32)
    for augmentation in sorted(augmentations, key=lambda one: (one.order, one.kind)):
        place = earlier[augmentation.kind]
        earlier[augmentation.kind] += 1
        if augmentation.touches(label):
            drawn = shared_entropy if augmentation.moves_time else entropy
            seed = np.random.SeedSequence(drawn, spawn_key=(_kind_number(augmentation.kind), place))
            child = np.random.Generator(np.random.PCG64(seed))
            changed_T = augmentation.apply(changed_T, child, sampling_rate_hz, label)
    return changed_T


@cache
def _kind_number(kind: str) -> int:
    """Number a kind by its name, so that new kinds do not renumber the old ones."""
    return int.from_bytes(sha256(kind.encode()).digest()[:8])
