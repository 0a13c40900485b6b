"""Read the results of a storage, a folder or a bucket, to find the cell that a prediction asks for."""

import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from grid.stage import KEY_LENGTH, Stage
from grid.store.manifest import DamagedError
from grid.store.opening import OBJECTS, open_store
from grid.store.publishing import LINKS
from grid.store.store import RECORD, Store
from motor.lazy import pandas as pd
from motor.predicting.parts import PartError
from motor.recordings.machines import Machine, machines_from

RESULTS, TABLE, METRICS, CELLS = "results", "cells.csv", "metrics.json", "classify"
RANKING = "ranking.json"  # of a grid's results: by which metric its recipes are ranked
MACHINES = "machines.json"  # of a grid's results: what its config tells of machines and units
REMEDY = "Say python launch.py verify: it sets what is damaged aside, and the next run of the grid builds it again"


@dataclass(frozen=True)
class Results:
    """The cells that stand in a storage, and the results of its grids.

    Of a storage in a bucket, a stage is fetched when it is asked for, and stays in this machine's mirror.
    """

    store: Store

    @property
    def where(self) -> str:
        """What people call the storage."""
        return self.store.where

    def grids(self) -> list[str]:
        """Return the names of the grids that have results, in order."""
        return sorted(name for name in self.store.stored.names(RESULTS) if self._text(name, TABLE) is not None)

    def table(self, grid: str) -> "pd.DataFrame":
        """Return the table of a grid's cells, as text."""
        text = self._text(grid, TABLE) or ""
        return pd.read_csv(io.StringIO(text), dtype=str) if text.strip() else pd.DataFrame({"folder": []}, dtype=str)

    def ranked_by(self, grid: str) -> str:
        """Return the metric that a grid's recipes are ranked by."""
        return str(json.loads(self._text(grid, RANKING) or "{}").get("rank_by", "macro_f1"))

    def machines(self, grid: str) -> dict[str, Machine]:
        """Return the machines of a grid's config, by motor."""
        return machines_from(json.loads(self._text(grid, MACHINES) or "{}").get("machines", {}))

    def units(self, grid: str) -> dict[str, str]:
        """Return the units of a grid's config, by domain."""
        return dict(json.loads(self._text(grid, MACHINES) or "{}").get("units", {}))

    def cell(self, grid: str, folder: str) -> Path | None:
        """Return the stage's folder of a cell that lies in a folder of a grid's results; None if it is gone."""
        links = self._text(grid, LINKS)
        if links is None:  # in a folder they are what they are called
            metrics = self.store.root / RESULTS / grid / folder / METRICS
            return metrics.resolve().parent if metrics.exists() else None
        kind, _, rest = json.loads(links).get(f"{folder}/{METRICS}", "").partition("/")
        return self.stage(kind, rest.partition("/")[0][-KEY_LENGTH:]) if rest else None

    def cell_keys(self) -> list[str]:
        """Return the keys of all cells, in order."""
        return sorted(name[-KEY_LENGTH:] for name in self.store.stored.names(CELLS) if "-" in name)

    def stage(self, kind: str, key: str) -> Path | None:
        """Return the folder of a built stage; None if there is none.

        Raises
        ------
        PartError
            If it is damaged.
        """
        try:
            folder = self.store.folder(cast(Stage, _Named(kind, key)))
        except DamagedError as error:
            raise PartError(f"{error}. {REMEDY}") from error
        return folder if (folder / RECORD).is_file() else None

    def _text(self, grid: str, name: str) -> str | None:
        name = f"{RESULTS}/{grid}/{name}"
        if name not in self._texts:
            self._texts[name] = self.store.stored.read(name)
        return self._texts[name]

    @cached_property
    def _texts(self) -> dict[str, str | None]:
        """The texts read so far, by file; None for one that is not there."""
        return {}


def results_of(storage: str | Path) -> Results | None:
    """Return what a folder, or ``s3://bucket/prefix``, has of results; None if there is no such folder.

    Raises
    ------
    grid.store.store.StoreError
        If a bucket cannot be reached.
    """
    if str(storage).startswith(OBJECTS):
        return Results(open_store(str(storage)))
    return Results(Store(Path(storage))) if Path(storage).is_dir() else None


@dataclass(frozen=True)
class _Named:
    """A stage as a store looks for its folder: under whatever label."""

    KIND: str
    key: str

    def label(self) -> str:
        return ""
