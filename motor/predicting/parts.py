"""Where the parts of a trained cell lie: in a storage or in an exported folder, told in the same words."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motor.predicting.record import CellRecord
from motor.sources import open_sources

DIGEST_BLOCK = 1 << 20


class PartError(RuntimeError):
    """A part of a trained cell is missing, damaged, or not the one that was written."""


@dataclass(frozen=True)
class FoldParts:
    """What one fold of a cell was trained to.

    Attributes
    ----------
    name : str
    thresholds : mapping
        By domain, the fields of its `Threshold`.
    scalers : mapping
        ``by_fold``: domain -> loc and scale; ``by_motor``: domain -> motor -> loc and scale.
    forecasters : tuple of Path
        A folder in the stock format for each fine-tune.
    models : mapping of str to Path
        By kind of feature, the pickle of what a `FittedFeature` learned.
    classifier : Path
        ``clf_model.pkl``.
    features : Path or None
        ``features.parquet``: the series that a new one is compared with.
    novelty : Path or None
        ``novelty.npz``, where that was already worked out.
    """

    name: str
    thresholds: Mapping[str, Any]
    scalers: Mapping[str, Any]
    forecasters: tuple[Path, ...]
    models: Mapping[str, Path]
    classifier: Path
    features: Path | None = None
    novelty: Path | None = None

    def files(self) -> list[Path]:
        """Return the pickles: what must not be opened unless it is known."""
        return [self.classifier, *self.models.values()]


@dataclass(frozen=True)
class Digests:
    """What the files of a cell held when they were written.

    Attributes
    ----------
    by_path : mapping of Path to str
        SHA-256 of each file, in hex.
    told_by : str
        The file that says so: ``manifest.json`` of a stage, ``model.json`` of an exported folder.
    remedy : str
        What to do where a file is another one.
    """

    by_path: Mapping[Path, str]
    told_by: str
    remedy: str

    def check(self, path: Path, found: str) -> None:
        """Raise PartError unless a file's SHA-256 is the one that was written."""
        known = self.by_path.get(path)
        if known != found:
            told = f"{self.told_by} says {known}" if known else f"{self.told_by} does not list it"
            raise PartError(f"{path}: SHA-256 is {found}, but {told}; it is not opened. {self.remedy}")

    def content(self, path: Path) -> bytes:
        """Return a file's bytes, which are the ones that were written.

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
    record : CellRecord
    metrics : mapping
        What it was judged at: figures and intervals.
    heard : mapping
        Domain -> ``sampling_rates_hz`` and ``n_samples`` (fewest, most) of what it was trained on, as measured.
    versions : mapping
        Of the software that trained it.
    folds : tuple of FoldParts
    digests : Digests
        Of each file that a prediction opens.
    is_exported : bool
        Whether it lies in an exported folder, and not in a storage.
    """

    key: str
    name: str
    record: CellRecord
    metrics: Mapping[str, Any]
    heard: Mapping[str, Any]
    versions: Mapping[str, str]
    folds: tuple[FoldParts, ...]
    digests: Digests
    is_exported: bool = False

    def opened_pickle(self, path: Path) -> Any:
        """Return what a pickle holds, once its digest is the one that was written: opening a pickle can run code.

        The file is read once, so that what was checked is what is opened.

        Raises
        ------
        PartError
            As of `Digests.content`.
        """
        import joblib

        open_sources(self.record.record)  # it may be made of classes from there
        return joblib.load(io.BytesIO(self.digests.content(path)))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(DIGEST_BLOCK):
            digest.update(block)
    return digest.hexdigest()
