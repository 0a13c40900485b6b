"""The base of stages that describe series: each hands on one row a series, for every classifier alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from grid.stage import Context, Stage
from grid.store.store import write_json
from motor.evaluation.figures.residuals import residual_figure
from motor.evaluation.figures.tsne import tsne_figure
from motor.stages.describer import BuiltStages, Describer, InStorage
from motor.stages.devices import held_device
from motor.stages.faults import input_faults
from motor.stages.prepare import Prepare, Prepared

if TYPE_CHECKING:
    import pandas as pd

SIDES = ("train", "validation", "test")
TSNE, RESIDUALS = "tsne.csv", "residuals.png"  # in `figures/`: the map as numbers; the errors, where there are any
KNOWN = ["item", "motor", "domain", "label", "side"]  # what stands before the features in `features.parquet`


@dataclass(frozen=True)
class Described(Stage):
    """The series of one fold's domains, described: ``features.parquet``, figures and ``summary.json``.

    A class of its own has the fields `prepared`, `fold`, `domains`, `classes` and `seed` (or says `of_fold`), and
    `open`, by which it is built and new recordings are described alike. What it learns, it learns in a stage before
    it, or in a `build` of its own, which then writes what `open` reads.
    """

    READ: ClassVar[tuple[str, ...] | None] = None

    @cached_property
    def inputs(self) -> tuple[Stage, ...]:
        """See `grid.stage.Stage.inputs`: also what it reads of the stages that its own are made from.

        A fine-tune that stands hides the recordings that it saw; who describes them has to wait until they stand, too.
        """
        return tuple({stage.key: stage for stage in (*super().inputs, *self.looked_at)}.values())

    @property
    def of_fold(self) -> tuple[Prepare, str, tuple[str, ...], int]:
        """The prepared recordings, the fold, its domains and the seed."""
        at: Any = self
        return at.prepared, at.fold, at.domains, at.seed

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names."""
        return (self.KIND,)

    @property
    def looks_at_lines(self) -> bool:
        """Whether lines at orders of the shaft speak for what is said of a series."""
        return False

    @property
    def saw_labels(self) -> bool:
        """Whether a training series is described by what learned its own motor's label."""
        return False

    @property
    def parts(self) -> tuple[tuple[Stage, str], ...]:
        """What `open` reads: stages, each with the name of a file or folder in its folder."""
        return ()

    @property
    def left_behind(self) -> tuple[tuple[Stage, str], ...]:
        """Those of `parts` that an exported folder does not hold; `open` has to do without them there."""
        return ()

    @property
    def models(self) -> Mapping[str, tuple[Stage, str]]:
        """What a person finds of it in the results: by the name there, a stage and a file or folder in its folder."""
        return {}

    @property
    def packages(self) -> tuple[str, ...]:
        """Distributions that `open` and what it gives import, beside those of every prediction."""
        return ()

    def open(self, built: BuiltStages, device: str) -> Describer:
        """Return what describes series as this stage does.

        Parameters
        ----------
        built : BuiltStages
            Where it and what it is made from lie.
        device : str
            For models that can use one: ``cpu`` or ``cuda``.
        """
        raise TypeError(f"{type(self).__name__} does not say how series are described; give it `open`")

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, the files by side, ``figures/`` and ``summary.json``."""
        prepared_stage, fold, domains, _ = self.of_fold
        prepared = Prepared.open(context.folder(prepared_stage), prepared_stage)
        meta = prepared.meta(fold, domains)
        describer = self.open(InStorage(context, self.parts), held_device(context.resources))
        with input_faults():
            look = describer.look(prepared.batch(meta, fold))
        self.write(folder, meta, describer.table([look], meta), {})

    @property
    def looked_at(self) -> tuple[Stage, ...]:
        """What `described_later` reads: stages that the series are described from, and what `open` reads."""
        others = {stage.key: stage for stage, _ in self.parts if stage.key != self.key}
        return (self.of_fold[0], *others.values())

    def described_later(self, context: Context, prepared: Prepared, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Describe series of the data set that the stage itself left out: one row of numbers each, indexed by item.

        Parameters
        ----------
        context : Context
            Of a stage that is made from this one and from `looked_at`.
        prepared : Prepared
        meta : DataFrame
            Their rows.
        """
        describer = self.open(InStorage(context, self.parts), held_device(context.resources))
        with input_faults():
            look = describer.look(prepared.batch(meta, self.of_fold[1]))
        return describer.table([look], meta)

    def described_in_parts(self, context: Context, prepared: Prepared, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Do what `described_later` does, by a few windows at a time where a forecaster has to see them."""
        return self.described_later(context, prepared, meta)

    def write(self, folder: Path, meta: "pd.DataFrame", features: "pd.DataFrame", summary: dict[str, Any]) -> None:
        """Write the described series of a fold.

        Parameters
        ----------
        folder : Path
            The stage's draft.
        meta : DataFrame
            One row a series, with the columns of `KNOWN`.
        features : DataFrame
            Indexed by item.
        summary : dict
            What else the summary says: `training` and `forecast_skill`, say.
        """
        _, fold, _, seed = self.of_fold
        table = meta.set_index("item", drop=False)[KNOWN].join(features, validate="one_to_one")
        table.reset_index(drop=True).to_parquet(folder / "features.parquet", index=False)
        self._write_by_side(table, features.columns, folder)
        self._draw(table, features, folder / "figures", seed)
        summary = {"training": None, "forecast_skill": [], "saw_labels": self.saw_labels, **summary}
        write_json(folder / "summary.json", {"fold": fold, "n_features": len(features.columns), **summary})

    def _write_by_side(self, table: "pd.DataFrame", columns: "pd.Index", folder: Path) -> None:
        """Write ``residual_features_train.csv`` or ``embeddings_train.npy``, and so on (the seeds' names)."""
        name = "_".join(self.names)
        for side in SIDES:
            rows = table[table["side"] == side]
            if name == "embedding":
                np.save(folder / f"embeddings_{side}.npy", rows[columns].to_numpy(np.float32))
                rows[KNOWN].to_csv(folder / f"embeddings_{side}.csv", index=False)
            else:
                rows.to_csv(folder / f"{name}_features_{side}.csv", index=False)

    def _draw(self, table: "pd.DataFrame", features: "pd.DataFrame", folder: Path, seed: int) -> None:
        classes = self.classes  # type: ignore[attr-defined]
        names = (table["label"], table["motor"], table["domain"])
        folder.mkdir()
        points = tsne_figure(folder / "tsne.png", features.to_numpy(), *names, classes, seed)
        if points is not None:
            table[KNOWN].assign(x=points[:, 0], y=points[:, 1]).to_csv(folder / TSNE, index=False)
        if "mae" in features:
            residual_figure(folder / RESIDUALS, table.rename(columns={"mae": "residual"}), classes)


def feature_columns(table: "pd.DataFrame") -> list[str]:
    """Return the columns of `features.parquet` that a classifier sees."""
    return [column for column in table if column not in KNOWN]


def sides(table: "pd.DataFrame") -> Iterator["pd.DataFrame"]:
    """Yield the rows of each side: train, validation, test."""
    yield from (table[table["side"] == side] for side in SIDES)
