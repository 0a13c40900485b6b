"""The trained cells of a storage, found by key, name, or as the recipe that the report names first."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from grid.stage import KEY_LENGTH, Stage, digest
from grid.store.manifest import MANIFEST, DamagedError, FileDigest, damages, read_manifest
from grid.store.store import RECORD
from motor.evaluation.cells import JOINT, CellResult, rankable
from motor.evaluation.metrics.macro_f1 import MacroF1
from motor.evaluation.ranking import rank_recipes
from motor.evaluation.scores import score_cells
from motor.lazy import pandas as pd
from motor.predicting.parts import CellParts, Digests, FoldParts, PartError, stage_of
from motor.predicting.results import CELLS, METRICS, REMEDY, Results, results_of
from motor.recordings.recording import near
from motor.recordings.table import open_recordings
from motor.stages.classify import Classify
from motor.stages.described import Described

SHORTEST_PREFIX = 4
FIGURES = ("accuracy", "macro_f1", "roc_auc_faulty", "false_alarm_rate", "detection_rate", "brier")


class CellError(ValueError):
    """No cell, or more than one, is meant by what was asked for."""


@dataclass(frozen=True)
class StoredCell:
    """A cell that stands in a storage."""

    folder: Path  # of its stage `classify`
    results: Results  # of the storage that it stands in
    grid: str | None = None  # whose results name it

    @property
    def key(self) -> str:
        return self.folder.name[-KEY_LENGTH:]

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return _Known().json(self.folder, METRICS)

    @property
    def axes(self) -> dict[str, Any]:
        return self.metrics["axes"]

    @property
    def name(self) -> str:
        """As `Cell.name` has it: ``A/Joint/4096/svm``."""
        return "/".join("-" if value is None else str(value) for value in self.axes.values())

    def parts(self) -> CellParts:
        """Return where everything lies that a prediction needs, each file held against its stage's manifest.

        Raises
        ------
        PartError
            If a stage that the cell rests on was deleted, or a file of it is not the one that was written.
        """
        stage, known = stage_of(self._record()), _Known()
        provenance = known.json(self.folder, "provenance.json")
        return CellParts(
            key=self.key,
            name=self.name,
            stage=stage,
            metrics=reported_figures(self.metrics),
            trained_on=self._trained_on(stage),
            versions=provenance.get("versions", {}),
            folds=tuple(self._fold(features, known) for features in stage.features),
            digests=Digests(known.digests, MANIFEST, REMEDY),
            machines={} if self.grid is None else self.results.machines(self.grid),
            units={} if self.grid is None else self.results.units(self.grid),
        )

    def measured_by(self, name: str) -> Any:
        """Return one of the metrics that the cell is measured by; macro-F1 where it has none of the name."""
        metrics = Classify.from_record(self._record()).metrics
        return next((metric for metric in metrics if metric.kind == name), MacroF1())

    def _record(self) -> dict[str, Any]:
        """Return the record of the cell, which its key is the digest of."""
        file = self.folder / RECORD
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise PartError(f"{file} is damaged: it is no JSON ({error}). {REMEDY}") from error
        if (found := digest(record)[:KEY_LENGTH]) != self.key:
            raise PartError(f"{file} is damaged: its key is {found}, not {self.key}. {REMEDY}")
        return record

    def _fold(self, described: Described, known: "_Known") -> FoldParts:
        prepared, fold, _, _ = described.of_fold
        scalers = known.json(self._stage(prepared), "scalers.json")
        folder, classifier = self._stage(described), f"fold-{fold}/clf_model.pkl"
        folders = {stage.key: self._stage(stage) for stage, _ in described.parts}
        for stage, name in described.parts:
            known.within(folders[stage.key], name)
        known.check(folder, ["features.parquet"])
        known.check(self.folder, [classifier])
        return FoldParts(
            described=described,
            thresholds=self.metrics["thresholds"][fold],
            scalers={"by_fold": scalers["by_fold"][fold], "by_motor": scalers["by_motor"]},
            folders=folders,
            classifier=self.folder / classifier,
            features=folder / "features.parquet",
        )

    def _stage(self, stage: Stage) -> Path:
        """Return the folder of a stage that the cell is made from."""
        kind, key = stage.KIND, stage.key
        folder = self.results.stage(kind, key)
        if folder is None:
            raise PartError(
                f"cell {self.name}: its stage {kind} {key} is not in {self.results.where}; it was deleted, or set "
                "aside as damaged, and a prediction needs it; build the cell again: python launch.py CONFIG --force "
                f"{kind}"
            )
        return folder

    def _trained_on(self, cell: Classify) -> dict[str, Any]:
        """Return the rates and lengths of the recordings as measured; as represented, where only those stand."""
        prepared, _, domains, _ = cell.features[0].of_fold
        try:
            folder = self._stage(prepared.recordings)
        except PartError:
            if prepared.representation.kind != "raw":
                return {}
            folder = self._stage(prepared)
        try:
            meta = open_recordings(folder).meta
        except (ValueError, OSError) as error:
            raise PartError(f"{folder} is damaged: its table cannot be read ({error}). {REMEDY}") from error
        return {
            domain: {
                "sampling_rates_hz": sorted(float(rate) for rate in rows["sampling_rate_hz"].unique()),
                "n_samples": [int(rows["n_samples"].min()), int(rows["n_samples"].max())],
            }
            for domain, rows in meta.groupby("domain")
            if domain in domains
        }


@dataclass
class _Known:
    """Files of several stages that are what their manifests say."""

    digests: dict[Path, str] = field(default_factory=dict)

    def check(self, stage: Path, names: Iterable[str]) -> None:
        """Hold files of a stage against its manifest, and remember their digests."""
        names, manifest = list(names), _manifest(stage)
        if faults := damages(stage, names):
            raise PartError(f"{stage} is damaged: {'; '.join(faults)}. Nothing of it is opened. {REMEDY}")
        self.digests |= {stage / name: manifest[name].sha256 for name in names}

    def json(self, stage: Path, name: str) -> Any:
        """Return what a file says."""
        self.check(stage, [name])
        return json.loads((stage / name).read_text(encoding="utf-8"))

    def within(self, stage: Path, inner: str) -> None:
        """Hold a file, or a folder, of a stage against its manifest: all that was written is there, nothing else."""
        listed = [name for name in _manifest(stage) if name.startswith(f"{inner}/")]
        there = [path.relative_to(stage).as_posix() for path in (stage / inner).rglob("*") if path.is_file()]
        self.check(stage, sorted({*listed, *there}) or [inner])


def _manifest(stage: Path) -> dict[str, FileDigest]:
    """Return what the files of a stage held when it was built."""
    try:
        manifest = read_manifest(stage)
    except DamagedError as error:
        raise PartError(f"{error}. {REMEDY}") from error
    if manifest is None:
        kind = stage.parent.name
        raise PartError(
            f"{stage} has no {MANIFEST}, so nothing says what its files held, and none is opened; build it again: "
            f"python launch.py CONFIG --force {kind}"
        )
    return manifest


def reported_figures(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a cell was judged at, with intervals and the counts that they rest on."""
    names = [f"{name}{end}" for name in FIGURES for end in ("", "_interval")]
    counts = ("n_series", "n_motors", "motors_by_class", "final")
    return {name: metrics[name] for name in (*counts, *names) if name in metrics}


def find_cells(
    storage: str | Path, wanted: str, results: str | None = None, domain: str | None = None
) -> list[StoredCell]:
    """Return the cells that are meant: one, or one for each domain where the best recipe has a model for each.

    Parameters
    ----------
    storage : str or Path
        A folder, or ``s3://bucket/prefix``: what is needed of it is then fetched into this machine's mirror.
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
    motor.predicting.parts.PartError
        If what tells the cells apart is damaged.
    """
    there = results_of(storage)
    if there is None:
        raise CellError(f"there is no storage {str(storage)!r} (seen from {Path.cwd()}); set --storage")
    if wanted == "best":
        return _best(there, results, domain)
    by_key = _by_key(there, wanted)
    if len(by_key) > 1:
        raise CellError(f"key {wanted!r} begins {len(by_key)} cells: {_listed(by_key)}; give more of it")
    if by_key:
        return by_key
    known = list({cell.key: cell for name in _grids(there, results) for cell in _cells_of(there, name)}.values())
    named = [cell for cell in known if cell.name == wanted]
    if len(named) == 1:
        return named
    if named:
        raise CellError(f"{len(named)} cells are called {wanted!r}: {_listed(named)}; give the key, or --config")
    names = [cell.name for cell in known]
    raise CellError(
        f"no cell {wanted!r} in {there.where}{near(wanted, names)}; there are {len(names)}: "
        f"{', '.join(names[:20])}{', ...' if len(names) > 20 else ''}; give a name, the start of a key (of a folder in "
        f"{there.where}/{CELLS}), or best"
    )


def _by_key(there: Results, wanted: str) -> list[StoredCell]:
    if len(wanted) < SHORTEST_PREFIX or not set(wanted) <= set("0123456789abcdef"):
        return []
    folders = [there.stage(CELLS, key) for key in there.cell_keys() if key.startswith(wanted)]
    return [StoredCell(folder, there, _grid_of(folder, there)) for folder in folders if folder is not None]


def _grid_of(folder: Path, there: Results) -> str | None:
    """Return a grid that tells of its machines or units, and whose results name a cell."""
    telling = (grid for grid in there.grids() if there.machines(grid) or there.units(grid))
    return next((grid for grid in telling if any(cell.folder == folder for cell in _cells_of(there, grid))), None)


def _grids(there: Results, results: str | None) -> list[str]:
    """Return the names of the grids whose results are looked through."""
    names, where = there.grids(), there.where
    if results is not None and results not in names:
        raise CellError(f"{where} has no results of {results!r}; there are: {', '.join(names) or 'none'}")
    if not names:
        raise CellError(f"{where} has no results yet; run a grid first: python launch.py CONFIG --storage {where}")
    return [results] if results is not None else names


def _cells_of(there: Results, grid: str) -> Iterator[StoredCell]:
    """Yield the cells of a grid's results, in the order of `cells.csv`."""
    for name in there.table(grid)["folder"]:
        folder = there.cell(grid, name)
        if folder is not None:
            yield StoredCell(folder, there, grid)


def _best(there: Results, results: str | None, domain: str | None) -> list[StoredCell]:
    """Return the cells of the recipe that is ranked first, as the report ranks; of several seeds, the first."""
    grids = _grids(there, results)
    if len(grids) > 1:
        raise CellError(f"{there.where} has the results of {', '.join(grids)}; say whose best, with --config NAME")
    stored = list(_cells_of(there, grids[0]))
    if not stored:
        raise CellError(f"no cell of {grids[0]} stands in {there.where}; run the grid again")
    cells = [_result(cell) for cell in stored]
    rank_by, metrics = stored[0].measured_by(there.ranked_by(grids[0])), stored[0].metrics
    stored = [one for one, cell in zip(stored, cells, strict=True) if rank_by.needs <= cell.has]
    cells = rankable(cells, rank_by)
    if not cells:
        raise CellError(f"{grids[0]}: no cell that stands has {rank_by.title}; name a cell")
    scores = score_cells(cells, tuple(metrics["classes"]), rank_by, metrics["normal"])
    ranking = rank_recipes(cells, scores, JOINT)
    if ranking is None:
        raise CellError(f"{grids[0]}: no recipe has a result in every domain yet; name a cell")
    slices = ranking.recipes[0].slices
    judged = dict.fromkeys(of_domain for _, of_domain in slices)
    if domain is not None and domain not in judged:
        raise CellError(f"unknown domain {domain!r}{near(domain, judged)}; {grids[0]} has: {', '.join(judged)}")
    first = {of_domain: min(index for index, other in slices if other == of_domain) for of_domain in judged}
    return [stored[index] for index in dict.fromkeys(first[name] for name in judged if domain in (None, name))]


def _result(cell: StoredCell) -> Any:
    _Known().check(cell.folder, ["predictions.csv"])
    texts = dict.fromkeys(("item", "motor", "domain", "label", "predicted", "fold"), str)
    predictions = pd.read_csv(cell.folder / "predictions.csv", dtype=texts, keep_default_na=False)
    return CellResult(axes=cell.axes, metrics=cell.metrics, folder=cell.folder.name, predictions=predictions)


def _listed(cells: list[StoredCell]) -> str:
    return ", ".join(f"{cell.key} ({cell.name})" for cell in cells)
