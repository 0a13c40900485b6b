"""The base of pseudo-labellers: they label unlabelled series, and a class is believed only where it was proven.

Shapes: N labelled series, M unlabelled ones, D columns, C classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from motor.registry import Plugin

Parts = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]  # places seen and unseen, which share no motor


@dataclass(frozen=True)
class LabelledSeries:
    """Training series with labels.

    Attributes
    ----------
    X_ND : ndarray of shape (n_series, n_columns)
    label_N, motor_N : ndarrays of str
    parts_of : callable
        From places of such series to parts of them that share no motor (places among those): none where a class has
        one motor.
    """

    X_ND: NDArray[Any]
    label_N: NDArray[Any]
    motor_N: NDArray[Any]
    parts_of: Callable[[NDArray[np.int64]], Parts]
    places: NDArray[np.int64]

    def of(self, places: NDArray[np.int64]) -> "LabelledSeries":
        """Return the series at some places."""
        return LabelledSeries(
            self.X_ND[places], self.label_N[places], self.motor_N[places], self.parts_of, self.places[places]
        )

    def parts(self) -> Parts:
        """Return divisions of the series into parts that share no motor."""
        return self.parts_of(self.places)


@dataclass(frozen=True)
class Workshop:
    """What a labeller is given beside the series: judges to fit, a cut, the classes and a seed.

    Attributes
    ----------
    classifier : callable
        Returns the cell's classifier, unfitted.
    detector : callable
        Returns the labeller's detector, unfitted, if it names one in a field `detector`.
    cut : Cut or None
        The labeller's, if it names one in a field `cut`.
    classes : tuple of str
    normal : str
    seed : int
    """

    classifier: Callable[[], Any]
    detector: Callable[[], Any]
    cut: Any
    classes: tuple[str, ...]
    normal: str
    seed: int


@dataclass(frozen=True)
class Proposal:
    """Labels for unlabelled series.

    Attributes
    ----------
    label_M : ndarray of object
        A class, or None where it cannot be told.
    probability_M : ndarray of float64
        Of that class, calibrated; NaN where there is none.
    notes : dict
        What was found on the way, say the share of normal series.
    refused : str
        Why there is none at all; empty where there are.
    """

    label_M: NDArray[Any]
    probability_M: NDArray[np.float64]
    notes: dict[str, float] = field(default_factory=dict)
    refused: str = ""

    @classmethod
    def nothing(cls, n_series: int, refused: str = "", notes: dict[str, float] | None = None) -> "Proposal":
        """Return no label at all."""
        return cls(np.full(n_series, None, dtype=object), np.full(n_series, np.nan), notes or {}, refused)


def taken_of(
    taken_M: NDArray[np.bool_], label_M: NDArray[Any], chance_M: NDArray[np.float64], notes: dict[str, float]
) -> Proposal:
    """Return a proposal of the series that are taken."""
    kept_M = label_M.astype(object)
    kept_M[~taken_M] = None
    return Proposal(kept_M, np.where(taken_M, chance_M, np.nan), notes)


class PseudoLabeller(Plugin, ABC):
    """Gives labels to series that nobody labelled.

    The stage proves them first: labelled training motors are hidden in turn, labelled by it, and compared. A class
    takes part only where the lower bound of its precision, over motors, reaches `precision`.
    """

    ROOM: ClassVar[str] = "motor.pseudo_labels"

    precision: float = Field(
        default=0.95, ge=0, le=1, description="of a class, to be reached by its lower bound over hidden motors"
    )
    certainty: float = Field(default=0.9, gt=0.5, lt=1, description="of that bound, one-sided")
    weight: float = Field(default=0.5, gt=0, le=1, description="of a pseudo-labelled series beside a labelled one's 1")

    @abstractmethod
    def propose(self, known: LabelledSeries, X_MD: NDArray[Any], at: Workshop) -> Proposal:
        """Return labels for unlabelled series, by what is known of labelled ones.

        Parameters
        ----------
        known : LabelledSeries
        X_MD : ndarray of shape (n_unlabelled, n_columns)
        at : Workshop
        """
