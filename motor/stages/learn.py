"""Stage `learn`: features that are learned from the windows of training series, without a forecaster."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from grid.stage import Context, Stage, after, beside
from motor.features.base import FittedFeature, domain_one_hot, side_by_side
from motor.lazy import joblib
from motor.lazy import pandas as pd
from motor.stages.crossing import crossed, n_parts
from motor.stages.described import Described
from motor.stages.describer import BuiltStages, Describer, SeriesBatch
from motor.stages.faults import input_faults
from motor.stages.lookups import Lookup
from motor.stages.prepare import Prepare, Prepared
from motor.windows.fixed import FixedWindows

BATCH_SIZE = 256
OF_SERIES = ["item", "motor", "domain"]  # of a series, to what was learned


@dataclass(frozen=True)
class Learn(Described):
    """Learn from the training series of a fold, then describe all of its series.

    Where labels shape a feature, each training series is described by a model that did not see its motor:
    what it would look like if it were new, which is what the classifier has to learn from.
    """

    KIND: ClassVar[str] = "learn"

    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    features: tuple[FittedFeature, ...]
    context_length: int
    windows_per_series: int
    classes: tuple[str, ...]
    seed: int
    regime: str = beside(default="")
    cleared: tuple[Stage, ...] = after(default=())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.kind for feature in self.features)

    @property
    def parts(self) -> tuple[tuple[Stage, str], ...]:
        return tuple((self, _file(feature)) for feature in self.features)

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(name for feature in self.features for name in feature.PACKAGES)

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """What its features look up in training series: windows of each class, of other motors."""
        if not any(feature.leaves_out_own_motor for feature in self.features):
            return ()
        return (Lookup(setting="features.neighbours.n_nearest", domains=self.domains, labels="all", top_k=0),)

    def open(self, built: BuiltStages, device: str) -> "LearnedDescriber":
        return LearnedDescriber(self, [built.unpickled(self, name) for _, name in self.parts])

    def label(self) -> str:
        return f"{'_'.join(self.names)}-{self.regime}-ctx{self.context_length}-fold{self.fold}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, the files by side, ``figures/``, ``summary.json`` and a model each."""
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        of_fold = prepared.meta(self.fold, self.domains)
        with input_faults():
            windows_BT, position_B = self.windows(prepared.batch(of_fold, self.fold))
        meta = of_fold.reset_index(drop=True)
        can_cross = n_parts(meta[meta["side"] == "train"]) > 1
        frames, saw_labels = [], False
        for feature in self.features:
            fitting = _Fitting(feature, windows_BT, position_B, meta, self.seed, max(1, int(context.resources.cpus)))
            model, frame = fitting.fit_and_describe()
            joblib.dump(model, folder / _file(feature))
            frames.append(frame)
            saw_labels |= _is_crossed(feature) and not can_cross
        frame = LearnedDescriber(self, ()).table([side_by_side(frames)], meta)
        self.write(folder, meta, frame, {"saw_labels": saw_labels})

    def windows(self, batch: SeriesBatch) -> tuple[np.ndarray, np.ndarray]:
        """Return the scaled windows of some series, and the place of each one's series."""
        length, count = self.context_length, self.windows_per_series
        cuts = list(FixedWindows(batch.signals, batch.series, self.domains, length, count).batches(BATCH_SIZE))
        return np.concatenate([cut["window"] for cut in cuts]), np.concatenate([cut["item"] for cut in cuts])


def _is_crossed(feature: FittedFeature) -> bool:
    """Tell whether training series are described by models of other motors than those that describe new ones."""
    return feature.needs_labels and not feature.leaves_out_own_motor


def _file(feature: FittedFeature) -> str:
    """Return the name of what a feature learned."""
    return f"{feature.kind}.pkl"


@dataclass(frozen=True)
class LearnedDescriber(Describer):
    """Describes series by what was learned from the windows of others, each by itself."""

    stage: Learn
    models: Sequence[Any]

    @property
    def fewest_samples(self) -> int:
        return self.stage.context_length

    def look(self, batch: SeriesBatch) -> "pd.DataFrame":
        windows_BT, position_B = self.stage.windows(batch)
        meta = pd.DataFrame({name: [getattr(one, name) for one in batch.series] for name in OF_SERIES}, dtype=object)
        return side_by_side([transformed(model, windows_BT, position_B, meta) for model in self.models])

    def table(self, looks: Sequence["pd.DataFrame"], meta: "pd.DataFrame") -> "pd.DataFrame":
        return side_by_side([pd.concat(looks), domain_one_hot(meta)])


def transformed(model: Any, windows_BT: np.ndarray, position_B: np.ndarray, meta: "pd.DataFrame") -> "pd.DataFrame":
    """Return what a model that was learned says of series; see `FittedModel.transform`."""
    return model.transform(windows_BT, position_B, meta[OF_SERIES].reset_index(drop=True))


@dataclass(frozen=True)
class _Fitting:
    """One feature, fitted on the train side of `meta` and applied to all of it."""

    feature: FittedFeature
    windows_BT: np.ndarray
    position_B: np.ndarray
    meta: "pd.DataFrame"
    seed: int
    n_threads: int

    def fit_and_describe(self) -> tuple[object, "pd.DataFrame"]:
        rows = np.flatnonzero(self.meta["side"] == "train")
        others = np.flatnonzero(self.meta["side"] != "train")
        model = self._fit(rows)
        if not _is_crossed(self.feature):
            return model, self._transform(model, np.arange(len(self.meta)))
        frames = [self._transform(self._fit(seen), unseen) for seen, unseen in self._crossed(rows)]
        frames += [self._transform(model, others)] if len(others) else []
        return model, pd.concat(frames).loc[self.meta["item"]]

    def _crossed(self, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        parts = [(rows[seen], rows[unseen]) for seen, unseen in crossed(self.meta.iloc[rows], self.seed)]
        return parts or [(rows, rows)]

    def _fit(self, rows: np.ndarray) -> object:
        windows_BT, position_B = self._of(rows)
        meta = self.meta.iloc[rows][["item", "motor", "domain", "label"]].reset_index(drop=True)
        return self.feature.fit(windows_BT, position_B, meta, self.seed, self.n_threads)

    def _transform(self, model: object, rows: np.ndarray) -> "pd.DataFrame":
        windows_BT, position_B = self._of(rows)
        return transformed(model, windows_BT, position_B, self.meta.iloc[rows])

    def _of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the windows of some rows, and which of these rows each is of."""
        place = np.full(len(self.meta), -1)
        place[rows] = np.arange(len(rows))
        chosen = place[self.position_B] >= 0
        return self.windows_BT[chosen], place[self.position_B[chosen]]
