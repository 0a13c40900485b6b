"""The trained cells of a storage, found by key, name, or as the recipe that the report names first."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grid.stage import KEY_LENGTH, digest
from grid.store import RECORD
from motor.predicting.parts import CellParts, FoldParts, PartError
from motor.predicting.record import CellRecord, fold_of, prepared_of
from motor.recordings.recording import near

SHORTEST_PREFIX = 4
FIGURES = ("accuracy", "macro_f1", "roc_auc_faulty", "false_alarm_rate", "detection_rate", "brier")


class CellError(ValueError):
    """No cell, or more than one, is meant by what was asked for."""


@dataclass(frozen=True)
class StoredCell:
    """A cell that stands in a storage."""

    folder: Path  # of its stage `classify`

    @property
    def storage(self) -> Path:
        return self.folder.parent.parent

    @property
    def key(self) -> str:
        return self.folder.name[-KEY_LENGTH:]

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))

    @property
    def axes(self) -> dict[str, Any]:
        return self.metrics["axes"]

    @property
    def name(self) -> str:
        """As `Cell.name` has it: ``A/Joint/4096/svm``."""
        return "/".join("-" if value is None else str(value) for value in self.axes.values())

    def parts(self) -> CellParts:
        """Return where everything lies that a prediction needs.

        Raises
        ------
        PartError
            If a stage that the cell rests on was deleted.
        """
        record = CellRecord(json.loads((self.folder / RECORD).read_text(encoding="utf-8")))
        provenance = json.loads((self.folder / "provenance.json").read_text(encoding="utf-8"))
        return CellParts(
            key=self.key,
            name=self.name,
            record=record,
            metrics=told_figures(self.metrics),
            heard=self._heard(record),
            versions=provenance.get("versions", {}),
            folds=tuple(self._fold(features) for features in record.record["features"]),
        )

    def _fold(self, features: Mapping[str, Any]) -> FoldParts:
        fold = fold_of(features)
        scalers = json.loads((self._stage(prepared_of(features)) / "scalers.json").read_text(encoding="utf-8"))
        tuned = features.get("finetunes", [])
        learned = [one["kind"] for one in features["features"]] if features["kind"] == "learn" else []
        described = self._stage(features)
        return FoldParts(
            name=fold,
            thresholds=self.metrics["thresholds"][fold],
            scalers={"by_fold": scalers["by_fold"][fold], "by_motor": scalers["by_motor"]},
            forecasters=tuple(self._stage(one) / "predictor" for one in tuned),
            models={kind: described / f"{kind}.pkl" for kind in learned},
            classifier=self.folder / f"fold-{fold}" / "clf_model.pkl",
            features=described / "features.parquet",
        )

    def _stage(self, record: Mapping[str, Any]) -> Path:
        """Return the folder of a stage that the cell is made from."""
        key = digest(record)[:KEY_LENGTH]
        folder = next((self.storage / record["kind"]).glob(f"*-{key}"), None)
        if folder is None:
            raise PartError(
                f"cell {self.name}: its stage {record['kind']} {key} is not in {self.storage}; it was deleted, and a "
                f"prediction needs it; build the cell again: python launch.py CONFIG --force {record['kind']}"
            )
        return folder

    def _heard(self, record: CellRecord) -> dict[str, Any]:
        """Return the rates and lengths of the recordings as measured; as represented, where only those stand."""
        from motor.recordings.table import open_recordings

        try:
            folder = self._stage(record.prepared["recordings"])
        except PartError:
            if record.representation.kind != "raw":
                return {}
            folder = self._stage(record.prepared)
        meta = open_recordings(folder).meta
        return {
            domain: {
                "sampling_rates_hz": sorted(float(rate) for rate in rows["sampling_rate_hz"].unique()),
                "n_samples": [int(rows["n_samples"].min()), int(rows["n_samples"].max())],
            }
            for domain, rows in meta.groupby("domain")
            if domain in record.domains
        }


def told_figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a cell was judged at, with intervals and the counts that they rest on."""
    names = [f"{name}{end}" for name in FIGURES for end in ("", "_interval")]
    counts = ("n_series", "n_motors", "motors_by_class")
    return {name: metrics[name] for name in (*counts, *names) if name in metrics}


def find_cells(storage: Path, wanted: str, results: str | None = None, domain: str | None = None) -> list[StoredCell]:
    """Return the cells that are meant: one, or one for each domain where the best recipe has a model for each.

    Parameters
    ----------
    storage : Path
    wanted : str
        A cell's key or its start, its name (``C/Joint/4096/svm``), or ``best``: the recipe that the report of
        `results` names first.
    results : str, optional
        The name of a grid; needed for ``best`` where the storage has several.
    domain : str, optional
        For ``best``: only the cell that judges this domain.

    Raises
    ------
    CellError
        If there is no such cell, or more than one.
    """
    if not storage.is_dir():
        raise CellError(f"there is no storage {str(storage)!r} (seen from {Path.cwd()}); set --storage")
    if wanted == "best":
        return _best(storage, results, domain)
    by_key = _by_key(storage, wanted)
    if len(by_key) > 1:
        raise CellError(f"key {wanted!r} begins {len(by_key)} cells: {_listed(by_key)}; give more of it")
    if by_key:
        return by_key
    known = list({cell.key: cell for name in _grids(storage, results) for cell in _cells_of(storage, name)}.values())
    named = [cell for cell in known if cell.name == wanted]
    if len(named) == 1:
        return named
    if named:
        raise CellError(f"{len(named)} cells are called {wanted!r}: {_listed(named)}; give the key, or --config")
    names = [cell.name for cell in known]
    raise CellError(
        f"no cell {wanted!r} in {storage}{near(wanted, names)}; there are {len(names)}: {', '.join(names[:20])}"
        f"{', ...' if len(names) > 20 else ''}; give a name, the start of a key (of a folder in "
        f"{storage / 'classify'}), or best"
    )


def _by_key(storage: Path, wanted: str) -> list[StoredCell]:
    if len(wanted) < SHORTEST_PREFIX or not set(wanted) <= set("0123456789abcdef"):
        return []
    folders = sorted((storage / "classify").glob(f"*-{wanted}*"))
    return [StoredCell(folder) for folder in folders if folder.name[-KEY_LENGTH:].startswith(wanted)]


def _grids(storage: Path, results: str | None) -> list[str]:
    """Return the names of the grids whose results are looked through."""
    there = sorted(path.parent.name for path in storage.glob("results/*/cells.csv"))
    if results is not None and results not in there:
        raise CellError(f"{storage} has no results of {results!r}; there are: {', '.join(there) or 'none'}")
    if not there:
        raise CellError(f"{storage} has no results yet; run a grid first: python launch.py CONFIG --storage {storage}")
    return [results] if results is not None else there


def _cells_of(storage: Path, grid: str) -> Iterator[StoredCell]:
    """Yield the cells of a grid's results, in the order of `cells.csv`."""
    import pandas as pd

    root = storage / "results" / grid
    for folder in pd.read_csv(root / "cells.csv", dtype=str)["folder"]:
        metrics = root / folder / "metrics.json"
        if metrics.exists():
            yield StoredCell(metrics.resolve().parent)


def _best(storage: Path, results: str | None, domain: str | None) -> list[StoredCell]:
    """Return the cells of the recipe that is ranked first; of repeats with several seeds, the first."""
    from motor.evaluation.report.ranking import rank_recipes
    from motor.evaluation.report.scores import score_cells
    from motor.settings import JOINT

    grids = _grids(storage, results)
    if len(grids) > 1:
        raise CellError(f"{storage} has the results of {', '.join(grids)}; say whose best, with --config NAME")
    stored = list(_cells_of(storage, grids[0]))
    if not stored:
        raise CellError(f"no cell of {grids[0]} stands in {storage}; run the grid again")
    cells = [_result(cell) for cell in stored]
    ranking = rank_recipes(cells, score_cells(cells, tuple(stored[0].metrics["classes"])), JOINT)
    if ranking is None:
        raise CellError(f"{grids[0]}: no recipe has a result in every domain yet; name a cell")
    slices = ranking.recipes[0].slices
    judged = dict.fromkeys(of_domain for _, of_domain in slices)
    if domain is not None and domain not in judged:
        raise CellError(f"unknown domain {domain!r}{near(domain, judged)}; {grids[0]} has: {', '.join(judged)}")
    first = {of_domain: min(index for index, other in slices if other == of_domain) for of_domain in judged}
    return [stored[index] for index in dict.fromkeys(first[name] for name in judged if domain in (None, name))]


def _result(cell: StoredCell) -> Any:
    import pandas as pd

    from motor.evaluation.report.cells import CellResult

    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    predictions = pd.read_csv(cell.folder / "predictions.csv", dtype=texts, keep_default_na=False)
    return CellResult(axes=cell.axes, metrics=cell.metrics, folder=cell.folder.name, predictions=predictions)


def _listed(cells: list[StoredCell]) -> str:
    return ", ".join(f"{cell.key} ({cell.name})" for cell in cells)
