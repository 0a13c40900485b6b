"""Where the parts of a trained cell lie: in a storage or in an exported folder, told in the same words."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motor.predicting.record import CellRecord

DIGEST_BLOCK = 1 << 20


class PartError(RuntimeError):
    """A part of a trained cell is missing, damaged, or not the one that was exported."""


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
    digests : mapping of Path to str, or None
        SHA-256 of each file, where the folder tells them: no other pickle is then opened. None in a storage, which
        is written by its owner's own launches and nobody else.
    """

    key: str
    name: str
    record: CellRecord
    metrics: Mapping[str, Any]
    heard: Mapping[str, Any]
    versions: Mapping[str, str]
    folds: tuple[FoldParts, ...]
    digests: Mapping[Path, str] | None = field(default=None)

    def opened_pickle(self, path: Path) -> Any:
        """Return what a pickle holds, once its digest is the one that was exported: opening a pickle can run code.

        Raises
        ------
        PartError
            If the file is missing, or its SHA-256 is not in the folder's ``model.json``.
        """
        import joblib

        if not path.is_file():
            raise PartError(f"{path} is missing; export the cell again, or build it again with launch.py")
        if self.digests is not None:
            known, found = self.digests.get(path), sha256_of(path)
            if known != found:
                told = f"model.json says {known}" if known else "model.json does not list it"
                raise PartError(f"{path}: SHA-256 is {found}, but {told}; it is not opened. Export the cell again")
        return joblib.load(path)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(DIGEST_BLOCK):
            digest.update(block)
    return digest.hexdigest()
