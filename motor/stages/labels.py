"""Stage `labels`: which label each recording has, where it is not the data that says so."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import Context, Stage, beside, when_set
from grid.store.store import write_json
from motor.recordings.checks import check_dataset
from motor.recordings.findings import nested
from motor.recordings.labels import labels_of, read_label_rows
from motor.recordings.life import LifeLabels, labels_by_life
from motor.recordings.table import (
    LABELS,
    labelled,
    open_recordings,
    read_labels,
    relabelled,
    unlabelled,
    write_labels,
)
from motor.stages.faults import input_faults
from motor.stages.recordings import SUMMARY, ImportRecordings

if TYPE_CHECKING:
    import pandas as pd

ASSUMED = "assumed_labels"  # of a summary: the rule that gave labels which nobody saw


@dataclass(frozen=True)
class LabelsBeside(Stage):
    """Labels of a file beside the data. Any stage that writes ``labels.csv`` (item, label) can stand in its place."""

    KIND: ClassVar[str] = "labels"
    IS_COMMON: ClassVar[bool] = True
    READ: ClassVar[tuple[str, ...] | None] = (SUMMARY,)

    recordings: ImportRecordings
    content_digest: str
    path: str = beside(default="")
    is_partial: bool = when_set(default=False)  # labels of one side, or of one class: others may be without

    def build(self, folder: Path, context: Context) -> None:
        """Write ``labels.csv`` and ``summary.json``: the import's counts that other labels change."""
        meta = open_recordings(context.folder(self.recordings)).meta
        _write(self._labels(meta), meta, folder)

    def known(self, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return the recordings with the labels of the file.

        Raises
        ------
        InputError
            If the file is at fault, or a class is left without a series.
        """
        return relabelled(meta, self._labels(meta))

    def _labels(self, meta: "pd.DataFrame") -> dict[str, str | None]:
        reader = self.recordings.reader
        with input_faults():
            labels = labels_of(meta, read_label_rows(Path(self.path), reader.classes, reader.raw_labels))
            self.check(meta, labels)
        return labels

    def check(self, meta: "pd.DataFrame", labels: Mapping[str, str | None]) -> None:
        """Raise where a class that there must be is left without a series by these labels."""
        reader = self.recordings.reader
        check_dataset(relabelled(meta, labels), () if self.is_partial else reader.classes, reader.domains)


@dataclass(frozen=True)
class LabelsTogether(Stage):
    """Labels of two files beside the data: of those who learn, and of test motors, which are to be scored."""

    KIND: ClassVar[str] = "labels_together"
    IS_COMMON: ClassVar[bool] = True
    READ: ClassVar[tuple[str, ...] | None] = (SUMMARY,)

    learned: LabelsBeside
    tested: LabelsBeside
    recordings: ImportRecordings = field(init=False)  # an input of its own: what they are labels of is read, too

    def __post_init__(self) -> None:
        object.__setattr__(self, "recordings", self.learned.recordings)

    def build(self, folder: Path, context: Context) -> None:
        """Write ``labels.csv`` and ``summary.json``, as `LabelsBeside` does.

        Raises
        ------
        InputError
            If a class is left without a series.
        """
        meta = open_recordings(context.folder(self.recordings)).meta
        of_both = [read_labels(context.folder(part) / LABELS) for part in (self.learned, self.tested)]
        labels = of_both[0] | of_both[1]
        with input_faults():
            self.learned.check(meta, labels)
        _write(labels, meta, folder)


@dataclass(frozen=True)
class LabelsByLife(Stage):
    """Labels by the place of recordings in their motors' lives: assumed, and so the summary has the rule."""

    KIND: ClassVar[str] = "labels_by_life"
    IS_COMMON: ClassVar[bool] = True
    READ: ClassVar[tuple[str, ...] | None] = (SUMMARY,)

    recordings: ImportRecordings
    rule: LifeLabels

    def build(self, folder: Path, context: Context) -> None:
        """Write ``labels.csv`` and ``summary.json``: the rule, and the import's counts that the labels change."""
        meta = open_recordings(context.folder(self.recordings)).meta
        labelled_by_life = self.known(meta)
        write_labels(dict(zip(meta["item"], labelled_by_life["label"], strict=True)), folder / LABELS)
        ranges = {label: list(of) for label, of in self.rule.ranges.items()}
        write_json(folder / SUMMARY, {ASSUMED: {"by": self.rule.by, **ranges}, **counts_of(labelled_by_life)})

    def known(self, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return the recordings with the labels of their places.

        Raises
        ------
        InputError
            If a motor has no course of life, or a class is left without a series.
        """
        reader = self.recordings.reader
        with input_faults():
            found = relabelled(meta, labels_by_life(meta, self.rule))
            check_dataset(found, reader.classes, reader.domains)
        return found


def _write(labels: Mapping[str, str | None], meta: "pd.DataFrame", folder: Path) -> None:
    """Write the labels that stand beside recordings, and the counts that they change."""
    write_labels(labels, folder / LABELS)
    write_json(folder / SUMMARY, {"n_labels_beside": len(labels), **counts_of(relabelled(meta, labels))})


def counts_of(meta: "pd.DataFrame") -> dict[str, Any]:
    """Return what `Validation.summary` counts by label, of recordings with other labels."""
    known, others = labelled(meta), unlabelled(meta)
    by_cell = known.groupby(["domain", "label"])["motor"]
    return {
        "n_unlabelled": len(others),
        "n_unlabelled_motors": len(set(others["motor"]) - set(known["motor"])),
        "unlabelled_by_motor": dict(sorted(Counter(others["motor"]).items())),
        "recordings_by_label": dict(sorted(Counter(known["label"]).items())),
        "recordings_by_domain_label": nested({cell: int(n) for cell, n in by_cell.size().items()}),
        "motors_by_domain_label": nested({cell: int(n) for cell, n in by_cell.nunique().items()}),
    }
