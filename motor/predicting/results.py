"""What a storage has of results, as a prediction looks for a cell: in a folder, or in a bucket."""

import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from grid.stage import KEY_LENGTH, Stage
from grid.store.manifest import DamagedError
from grid.store.opening import OBJECTS, open_store
from grid.store.store import RECORD, Store
from motor.predicting.parts import PartError

if TYPE_CHECKING:
    import pandas as pd

    from grid.store.remote import RemoteStore

RESULTS, TABLE, METRICS, CELLS = "results", "cells.csv", "metrics.json", "classify"
REMEDY = "Say python launch.py verify: it sets what is damaged aside, and the next run of the grid builds it again"


class Results(Protocol):
    """The cells that stand in a storage, and the results of its grids."""

    @property
    def where(self) -> str:
        """What people call the storage."""

    def grids(self) -> list[str]:
        """Return the names of the grids that have results, in order."""

    def table(self, grid: str) -> "pd.DataFrame":
        """Return the table of a grid's cells, as text."""

    def cell(self, grid: str, folder: str) -> Path | None:
        """Return the stage's folder of a cell that lies in a folder of a grid's results; None if it is gone."""

    def cell_keys(self) -> list[str]:
        """Return the keys of all cells, in order."""

    def stage(self, kind: str, key: str) -> Path | None:
        """Return the folder of a built stage; None if there is none.

        Raises
        ------
        PartError
            If it is damaged.
        """


@dataclass(frozen=True)
class FolderResults:
    """Of a storage that is a folder."""

    store: Store

    @property
    def where(self) -> str:
        return self.store.where

    def grids(self) -> list[str]:
        return sorted(path.parent.name for path in self.store.root.glob(f"{RESULTS}/*/{TABLE}"))

    def table(self, grid: str) -> "pd.DataFrame":
        return _table((self.store.root / RESULTS / grid / TABLE).read_text(encoding="utf-8"))

    def cell(self, grid: str, folder: str) -> Path | None:
        metrics = self.store.root / RESULTS / grid / folder / METRICS
        return metrics.resolve().parent if metrics.exists() else None

    def cell_keys(self) -> list[str]:
        return sorted(path.name[-KEY_LENGTH:] for path in (self.store.root / CELLS).glob("*-*"))

    def stage(self, kind: str, key: str) -> Path | None:
        return _stage(self.store, kind, key)


@dataclass(frozen=True)
class BucketResults:
    """Of a storage in a bucket: a stage is fetched when it is asked for, and stays in this machine's mirror."""

    store: "RemoteStore"

    @property
    def where(self) -> str:
        return self.store.where

    def grids(self) -> list[str]:
        found = self.store.bucket.names(RESULTS)
        return sorted(name for name in found if self._text(name, TABLE) is not None)

    def table(self, grid: str) -> "pd.DataFrame":
        return _table(self._text(grid, TABLE) or "")

    def cell(self, grid: str, folder: str) -> Path | None:
        from grid.store.publishing import LINKS

        links = json.loads(self._text(grid, LINKS) or "{}")
        kind, _, rest = links.get(f"{folder}/{METRICS}", "").partition("/")
        return self.stage(kind, rest.partition("/")[0][-KEY_LENGTH:]) if rest else None

    def cell_keys(self) -> list[str]:
        return sorted(name[-KEY_LENGTH:] for name in self.store.bucket.names(CELLS))

    def stage(self, kind: str, key: str) -> Path | None:
        return _stage(self.store, kind, key)

    def _text(self, grid: str, name: str) -> str | None:
        name = f"{RESULTS}/{grid}/{name}"
        if name not in self._texts:
            self._texts[name] = self.store.bucket.read(name)
        return self._texts[name]

    @cached_property
    def _texts(self) -> dict[str, str | None]:
        """What was read."""
        return {}


def results_of(storage: str | Path) -> Results | None:
    """Return what a folder, or ``s3://bucket/prefix``, has of results; None if there is no such folder.

    Raises
    ------
    grid.store.store.StoreError
        If a bucket cannot be reached.
    """
    location = str(storage)
    if not location.startswith(OBJECTS):
        return FolderResults(Store(Path(storage))) if Path(storage).is_dir() else None
    return BucketResults(cast("RemoteStore", open_store(location)))


@dataclass(frozen=True)
class _Named:
    """A stage as a store looks for its folder: under whatever label."""

    KIND: str
    key: str

    def label(self) -> str:
        return ""


def _stage(store: Store, kind: str, key: str) -> Path | None:
    try:
        folder = store.folder(cast(Stage, _Named(kind, key)))
    except DamagedError as error:
        raise PartError(f"{error}. {REMEDY}") from error
    return folder if (folder / RECORD).is_file() else None


def _table(text: str) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_csv(io.StringIO(text), dtype=str) if text.strip() else pd.DataFrame({"folder": []}, dtype=str)
