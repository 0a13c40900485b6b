"""The base of cuts: below one score a series is normal, above another it is strange, between them nobody can tell.

Shapes: n series whose class is unknown, m series that are known to be normal.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from motor.registry import Plugin

FEWEST = 20  # scores that a cut is made of
FEWEST_VALUES = 10  # that differ


class CutError(ValueError):
    """These scores cannot be cut."""


@dataclass(frozen=True)
class Division:
    """The two scores that divide normal, uncertain and strange series.

    Attributes
    ----------
    below, above : float
        A series is normal at or under `below`, strange at or over `above`; minus or plus infinity where none is.
    estimates : dict
        What the cut found on its way, say the share of normal series.
    """

    below: float
    above: float
    estimates: dict[str, float] = field(default_factory=dict)

    def normal(self, score_n: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which series are normal."""
        return np.asarray((score_n <= self.below) & (score_n < self.above))

    def strange(self, score_n: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which series are strange."""
        return np.asarray(score_n >= self.above)


class Cut(Plugin, ABC):
    """A rule that cuts scores, which are greater for the strange."""

    ROOM: ClassVar[str] = "motor.cuts"

    @abstractmethod
    def divide(self, score_n: NDArray[np.float64], normal_m: NDArray[np.float64]) -> Division:
        """Return where the scores are cut.

        Parameters
        ----------
        score_n : ndarray of shape (n,)
            Of series whose class nobody knows.
        normal_m : ndarray of shape (m,)
            Of known normal series, by detectors that did not see their motor; most rules make no use of them.

        Raises
        ------
        CutError
            If the scores are too few, not finite, all the same, or tied, with the next step.
        """


def checked(score_n: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return scores as float64, sorted, or raise CutError."""
    sorted_n = np.sort(np.asarray(score_n, dtype=np.float64))
    advice = "choose another detector, or another feature for it"
    if len(sorted_n) < FEWEST:
        raise CutError(f"cut {name}: {len(sorted_n)} scores; needed are {FEWEST}; leave more series without a label")
    if not np.isfinite(sorted_n).all():
        raise CutError(f"cut {name}: {int((~np.isfinite(sorted_n)).sum())} scores are not finite; {advice}")
    n_values = len(np.unique(sorted_n))
    if n_values < FEWEST_VALUES:
        what = "all scores are the same" if n_values == 1 else f"{len(sorted_n)} scores have {n_values} values, tied"
        raise CutError(f"cut {name}: {what}; {advice}")
    return sorted_n
