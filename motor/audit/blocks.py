"""The blocks of the permutation test: each motor with each of its labels is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from motor.audit.permutation import permuted_labels, rank_statistics

if TYPE_CHECKING:
    import pandas as pd

MOST_MOTORS = 2000  # that are permuted; of more, so many are drawn, for time


@dataclass(frozen=True)
class Blocks:
    """The blocks of a data set, and the permutations of their labels (row 0 as they are).

    Attributes
    ----------
    number : Series
        The number of each block, by (motor, label).
    labels_RB : ndarray of shape (1 + n_permutations, n_blocks)
    n_classes : int
    """

    number: "pd.Series"
    labels_RB: NDArray[np.int8]
    n_classes: int

    @classmethod
    def of(cls, recordings: "pd.DataFrame", classes: Sequence[str], seed: int) -> "Blocks":
        """Form the blocks of recordings (motor, label, domain).

        Labels change places within a motor that has several, and else between motors heard in the same domains.
        """
        motors = recordings["motor"].drop_duplicates()
        if len(motors) > MOST_MOTORS:
            motors = motors.sample(MOST_MOTORS, random_state=seed)
        kept = recordings[recordings["motor"].isin(motors)]
        domains = kept.groupby(["motor", "label"])["domain"].agg(lambda found: tuple(sorted(set(found))))
        table = domains.reset_index()
        several = table.duplicated("motor", keep=False)
        keys = zip(table["motor"], table["domain"], several, strict=True)
        strata = [("motor", motor) if twice else ("domains", heard) for motor, heard, twice in keys]
        label_B = table["label"].map({name: place for place, name in enumerate(classes)}).to_numpy(np.intp)
        number = domains.map(lambda heard: 0).astype(int) + np.arange(len(domains))
        return cls(number, permuted_labels(label_B, strata, seed), len(classes))

    @property
    def label_B(self) -> NDArray[np.int8]:
        """The labels as they are."""
        return self.labels_RB[0]

    def medians(self, recordings: "pd.DataFrame", cue: str) -> "pd.Series":
        """Return the median of a cue over the recordings of each block, by the block's number."""
        medians = recordings.groupby(["motor", "label"])[cue].median()
        known = medians[medians.index.isin(self.number.index)]
        return known.set_axis(self.number[known.index].to_numpy())

    def statistics(self, cue: "pd.Series") -> NDArray[np.float64]:
        """Return the rank statistics of a cue that is given by the block's number, shape (R, n_classes)."""
        return rank_statistics(cue.to_numpy(np.float64), self.labels_RB[:, cue.index.to_numpy()], self.n_classes)
