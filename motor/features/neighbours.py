"""Distances to the nearest windows of each class: a memory in the place of a model.

Shapes: B windows, T context, C classes, D columns.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from motor.features.base import FittedFeature, FittedModel, check_windows
from motor.features.fitted.windows import series_frame
from motor.lazy import torch
from motor.retrieval.keys import KEYS
from motor.retrieval.search import ExactSearch

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from motor.retrieval.search import ExactSearch

Place = tuple[str, str, str]  # key, domain, class


class Neighbours(FittedFeature):
    """Mean distance to the nearest windows of each class, over its mean over the classes; nothing is trained.

    Columns ``neighbours_<key>_<class>``. A series is compared with windows of its own domain and of other motors
    alone. By the spectrum and by the autocorrelation neither the phase nor the gain of a window counts. A window of
    noise is far from everything: that is what the mean over the classes takes out. Keys and `n_nearest` were chosen
    with HIT-SM's folds in sight, where neighbouring settings scored .93 to 1.00.
    """

    PACKAGES: ClassVar[tuple[str, ...]] = ("torch",)

    kind: Literal["neighbours"] = "neighbours"
    needs_labels: ClassVar[bool] = True
    leaves_out_own_motor: ClassVar[bool] = True

    keys: tuple[Literal["amplitude", "power", "shape", "autocorrelation"], ...] = Field(
        default=("amplitude", "autocorrelation"), min_length=1, description="what windows are compared by"
    )
    n_nearest: int = Field(default=5, ge=1, description="windows of a class whose distances are averaged, at most")
    length: int | None = Field(
        default=None, ge=8, description="last samples of a window that are compared; all by default"
    )

    def fit(
        self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame", seed: int, n_threads: int
    ) -> "NeighboursModel":
        """Keep the keys of each domain and class (see `FittedFeature.fit`).

        Raises
        ------
        ValueError
            If a class has one motor alone in a domain: its windows would have none to be compared with.
        """
        if found := lone_class(meta):
            raise ValueError(found)
        classes = np.unique(meta["label"].to_numpy(dtype=str)).tolist()
        domain_B, label_B, motor_B = (
            meta[name].to_numpy(dtype=str)[position_B] for name in ("domain", "label", "motor")
        )
        searches = {}
        for key, keys_BD in self.keys_of(windows_BT):
            for domain, name in sorted(set(zip(domain_B.tolist(), label_B.tolist(), strict=True))):
                chosen_B = (domain_B == domain) & (label_B == name)
                searches[key, domain, name] = ExactSearch(keys_BD[chosen_B], motor_B[chosen_B])
        fewest = min(search.n_others(motor) for search in searches.values() for motor in set(motor_B.tolist()))
        return NeighboursModel(self, searches, tuple(classes), min(self.n_nearest, fewest), windows_BT.shape[1])

    def keys_of(self, windows_BT: np.ndarray) -> "Iterator[tuple[str, Tensor]]":
        """Yield each key's name and the windows by it."""
        for key in self.keys:
            yield key, KEYS[key](torch.tensor(np.ascontiguousarray(windows_BT)), self.length or windows_BT.shape[1])


@dataclass
class NeighboursModel(FittedModel):
    """The keys of each domain and class, and how windows are brought to them."""

    settings: Neighbours
    searches: "dict[Place, ExactSearch]"
    classes: tuple[str, ...]
    n_nearest: int
    context_length: int

    def transform(self, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Describe series (see `FittedModel.transform`).

        Raises
        ------
        ValueError
            If windows are not as long as those of the training, or a series has none.
        """
        check_windows(windows_BT, self.context_length)
        domain_B, motor_B = (meta[name].to_numpy(dtype=str)[position_B] for name in ("domain", "motor"))
        values = [self._relative(key, keys_BD, domain_B, motor_B) for key, keys_BD in self.settings.keys_of(windows_BT)]
        names = [f"neighbours_{key}_{name}" for key in self.settings.keys for name in self.classes]
        return series_frame(np.concatenate(values, axis=1), position_B, meta, names)

    def _relative(self, key: str, keys_BD: "Tensor", domain_B: np.ndarray, motor_B: np.ndarray) -> np.ndarray:
        """Return the distance to each class over the mean distance: shape (n_windows, n_classes).

        A class that a domain has no training series of is as far as the others are on average.
        """
        distance_BC = np.full((len(keys_BD), len(self.classes)), np.nan)
        for place, name in enumerate(self.classes):
            for domain in np.unique(domain_B).tolist():
                search, own_B = self.searches.get((key, domain, name)), domain_B == domain
                if search is not None:
                    found = search.nearest(keys_BD[own_B], self.n_nearest, motor_B[own_B].tolist())
                    distance_BC[own_B, place] = np.sqrt(found.square_QK).mean(axis=1)
        mean_B1 = np.nanmean(distance_BC, axis=1, keepdims=True)
        return np.nan_to_num(distance_BC / np.where(mean_B1 > 0, mean_B1, 1.0), nan=1.0)


def lone_class(meta: "pd.DataFrame") -> str | None:
    """Return which class has one training motor alone in a domain, and what to do; None where each has two."""
    counts = meta.groupby(["domain", "label"])["motor"].nunique()
    if not (counts < 2).any():
        return None
    domain, name = counts.index[counts < 2][0]
    return (
        f"class {name!r} has one training motor in domain {domain!r}: feature neighbours leaves out a window's own "
        "motor, so its windows would have no neighbour of their class; give the class a second training motor, choose "
        "another split, or take neighbours out of axes.method"
    )


PLUGIN = Neighbours
