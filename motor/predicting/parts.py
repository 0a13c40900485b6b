"""Where the parts of a trained cell lie: in a storage or in an exported folder, in the same words."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grid.stage import Stage
from motor.lazy import joblib
from motor.recordings.machines import Machine
from motor.registry.sources import open_sources
from motor.stages.classify import Classify
from motor.stages.describe import DescribeFold
from motor.stages.described import Described
from motor.stages.describer import not_named
from motor.stages.features import Features
from motor.stages.final import Final
from motor.stages.labels import LabelsBeside
from motor.stages.learn import Learn
from motor.stages.prepare import Prepare

DIGEST_BLOCK = 1 << 20
SHIPPED = (Features, Learn, DescribeFold, Final, LabelsBeside)  # imported, so that a record can name them


class PartError(RuntimeError):
    """A part of a trained cell is missing, damaged, or not the one that was written."""


@dataclass(frozen=True)
class FoldParts:
    """What one fold of a cell was trained to.

    Attributes
    ----------
    described : Described
        The stage that describes series, as the cell's record tells it.
    thresholds : mapping
        By domain, the fields of its `Threshold`.
    scalers : mapping
        ``by_fold``: domain -> loc and scale; ``by_motor``: domain -> motor -> loc and scale.
    folders : mapping of str to Path
        By key, where the stages lie that `described` is opened from; see `Described.parts`.
    classifier : Path
        ``clf_model.pkl``.
    features : Path or None
        ``features.parquet``: the series that a new one is compared with.
    novelty : Path or None
        ``novelty.npz``, where that was already worked out.
    """

    described: Described
    thresholds: Mapping[str, Any]
    scalers: Mapping[str, Any]
    folders: Mapping[str, Path]
    classifier: Path
    features: Path | None = None
    novelty: Path | None = None

    @property
    def name(self) -> str:
        return self.described.of_fold[1]


@dataclass(frozen=True)
class Digests:
    """Digests of a cell's files when they were written.

    Attributes
    ----------
    by_path : mapping of Path to str
        SHA-256 of each file, in hex.
    source : str
        The file that says so: ``manifest.json`` of a stage, ``model.json`` of an exported folder.
    remedy : str
        What to do where a file is another one.
    """

    by_path: Mapping[Path, str]
    source: str
    remedy: str

    def check(self, path: Path, found: str) -> None:
        """Raise PartError unless a file's SHA-256 is the one that was written."""
        known = self.by_path.get(path)
        if known != found:
            expected = f"{self.source} says {known}" if known else f"{self.source} does not list it"
            raise PartError(f"{path}: SHA-256 is {found}, but {expected}; it is not opened. {self.remedy}")

    def content(self, path: Path) -> bytes:
        """Return a file's bytes, checked against the digest that was written.

        Raises
        ------
        PartError
            If the file is missing, is not known, or has another content.
        """
        if not path.is_file():
            raise PartError(f"{path} is missing. {self.remedy}")
        content = path.read_bytes()
        self.check(path, hashlib.sha256(content).hexdigest())
        return content


@dataclass(frozen=True)
class CellParts:
    """A trained cell on disk.

    Attributes
    ----------
    key, name : str
        Of its stage `classify`, and as the report calls it.
    stage : Classify
        As its record tells it: with all that it is made from.
    metrics : mapping
        What it was judged at: figures and intervals.
    trained_on : mapping
        Domain -> ``sampling_rates_hz`` and ``n_samples`` (fewest, most) of what it was trained on, as measured.
    versions : mapping
        Of the software that trained it.
    folds : tuple of FoldParts
    digests : Digests
        Of each file that a prediction opens.
    is_exported : bool
        Whether it lies in an exported folder, and not in a storage.
    machines : mapping of str to Machine
        What was known of them, as `dataset.machines` tells it, to name lines by: no label rests on it.
    units : mapping of str to str
        Domain -> the unit of its signals, as far as `dataset.units` tells it.
    """

    key: str
    name: str
    stage: Classify
    metrics: Mapping[str, Any]
    trained_on: Mapping[str, Any]
    versions: Mapping[str, str]
    folds: tuple[FoldParts, ...]
    digests: Digests
    is_exported: bool = False
    machines: Mapping[str, Machine] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.stage.classes

    @property
    def normal(self) -> str:
        return self.stage.normal

    @property
    def domains(self) -> tuple[str, ...]:
        return self.stage.features[0].of_fold[2]

    @property
    def prepared(self) -> Prepare:
        """How its recordings were represented and scaled; folds differ in what they were trained on alone."""
        return self.stage.features[0].of_fold[0]

    @property
    def dataset(self) -> Mapping[str, Any]:
        """The settings of the reader of the recordings that it was trained on."""
        return self.prepared.recordings.record["reader"]

    @property
    def data_digest(self) -> str:
        return self.prepared.recordings.content_digest

    def unpickled(self, path: Path) -> Any:
        """Return what a pickle holds, once its digest is the one that was written: opening a pickle can run code.

        The file is read once, so that what was checked is what is opened.

        Raises
        ------
        PartError
            As of `Digests.content`.
        """
        open_sources(self.stage.record)  # it may be made of classes from there
        return joblib.load(io.BytesIO(self.digests.content(path)))


@dataclass(frozen=True)
class PartsOfFold:
    """The stages that a fold's describer is opened from; see `motor.stages.describer.BuiltStages`."""

    cell: CellParts
    fold: FoldParts

    def folder(self, stage: Stage) -> Path:
        """Return where a stage lies.

        Raises
        ------
        PartError
            If it is gone.
        """
        if stage.key not in self.fold.folders:
            raise PartError(f"{self.cell.name}: {not_named(stage)}")
        folder = self.fold.folders[stage.key]
        if not folder.is_dir():
            raise PartError(f"{folder} is missing; export the cell again, or build it again with launch.py")
        return folder

    def has(self, stage: Stage) -> bool:
        return stage.key in self.fold.folders

    def unpickled(self, stage: Stage, name: str) -> Any:
        return self.cell.unpickled(self.folder(stage) / name)


def stage_of(record: Mapping[str, Any]) -> Classify:
    """Return the stage that ends a cell, as its record tells it.

    Raises
    ------
    PartError
        If this version of the program cannot read it.
    """
    try:
        open_sources(record)
        return Classify.from_record(record)
    except ValueError as error:
        raise PartError(f"the record of the cell cannot be read: {error}") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(DIGEST_BLOCK):
            digest.update(block)
    return digest.hexdigest()
