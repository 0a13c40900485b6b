"""Describe series with a built stage: those that it was built for, and new ones, by the same steps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from grid.stage import Context, Stage
from motor.lazy import joblib
from motor.recordings.recording import Recording
from motor.windows.source import Series, Signals

if TYPE_CHECKING:
    import pandas as pd


class BuiltStages(Protocol):
    """Where the stages lie that a describer is opened from: in a storage, or in an exported folder."""

    def folder(self, stage: Stage) -> Path:
        """Return the folder of a built stage, in which at least what `Described.parts` names of it lies."""

    def has(self, stage: Stage) -> bool:
        """Tell whether a stage lies there that `Described.left_behind` may name."""

    def unpickled(self, stage: Stage, name: str) -> Any:
        """Return what a pickle of a built stage holds, once it is known to be the one that was written."""


@dataclass(frozen=True)
class InStorage:
    """The stages that another is built from; see `BuiltStages`.

    What `parts` does not name is refused, as it would lack in an exported folder.
    """

    context: Context
    parts: tuple[tuple[Stage, str], ...]

    def folder(self, stage: Stage) -> Path:
        if stage.key not in {named.key for named, _ in self.parts}:
            raise KeyError(not_named(stage))
        return self.context.folder(stage)

    def has(self, stage: Stage) -> bool:
        return True

    def unpickled(self, stage: Stage, name: str) -> Any:
        return joblib.load(self.folder(stage) / name)


def not_named(stage: Stage) -> str:
    """Return the message about a stage that `open` reads, but `parts` does not name."""
    return f"`open` reads the stage {stage.KIND!r}, which `parts` does not name; add what it reads of it there"


@dataclass(frozen=True)
class SeriesBatch:
    """Some series to look at.

    Attributes
    ----------
    signals : Signals
        As represented.
    series : tuple of Series
        What is known of each, with its place in `signals` and its scaler.
    measured : sequence of Recording
        The same series as they were measured, for a describer that `sees_measured`; else it may be empty.
    """

    signals: Signals
    series: tuple[Series, ...]
    measured: Sequence[Recording] = ()


@dataclass(frozen=True)
class SideBySide:
    """A few signals in one array (see `motor.windows.source.Signals`)."""

    samples: np.ndarray
    begins: np.ndarray
    n_samples: np.ndarray

    @classmethod
    def of(cls, signals: Sequence[np.ndarray]) -> "SideBySide":
        n_samples = np.array([len(signal) for signal in signals], dtype=np.int64)
        return cls(np.concatenate(signals), np.cumsum(n_samples) - n_samples, n_samples)


class Describer(ABC):
    """Describes series: `look` at some, as often as there are some, then one `table` of all.

    A look is a function of the series looked at: what is said of a new recording does not depend, to the last bit, on
    what else is asked for at the same time. What one series says of another stands in the table.
    """

    sees_measured: ClassVar[bool] = False
    """Whether it looks at recordings as they were measured; the others see windows of them as represented."""

    takes_references: ClassVar[bool] = False
    """Whether it compares a motor with its own healthy references, and so takes those of new motors."""

    @property
    def fewest_samples(self) -> int:
        """How many represented samples a series must have."""
        return 1

    @property
    def looks_together(self) -> bool:
        """Whether the series of one moment of a motor have to be looked at together."""
        return False

    @property
    def compares(self) -> bool:
        """Whether what it says of a series depends on others of its motor at the same moment."""
        return self.looks_together

    @abstractmethod
    def look(self, batch: SeriesBatch) -> Any:
        """Return what is seen of some series.

        Raises
        ------
        ValueError
            If one cannot be described, with the next step.
        """

    def referred(self, looks: Sequence[Any], meta: "pd.DataFrame") -> "Describer":
        """Return it with the healthy references of new motors: looks at them, and a row of `meta` for each."""
        return self

    def has_reference(self, meta: "pd.DataFrame") -> "np.ndarray":
        """Return for each row of `meta` whether its motor's own reference is known: bool (n_series,)."""
        return np.ones(len(meta), dtype=bool)

    @abstractmethod
    def table(self, looks: Sequence[Any], meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return one row of numbers for each series, indexed by item.

        Parameters
        ----------
        looks : sequence
            Results of `look`, which together saw every series once.
        meta : DataFrame
            One row for each series: item, motor, domain, label, moment.
        """
