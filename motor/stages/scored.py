"""Stage `scored`: the labelled series of test motors, described as those that a judge is fitted on."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from grid.stage import Context
from motor.recordings.table import LABELS, read_labels
from motor.stages.beside import DescribedBeside
from motor.stages.described import KNOWN
from motor.stages.labels import LabelsBeside

FILE_NAME = "features.parquet"


@dataclass(frozen=True)
class ScoredSeries(DescribedBeside):
    """Labels of test motors, where nothing that is trained may depend on them: they come in here, and no earlier.

    Attributes
    ----------
    described : Described
        The stage that describes training and validation series; it knows no label of a test motor.
    labels : LabelsBeside
        Those of test motors.
    """

    KIND: ClassVar[str] = "scored"
    READ: ClassVar[tuple[str, ...] | None] = None

    labels: LabelsBeside

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, with the columns that the one of `described` has."""
        prepared = self.opened(context)
        _, fold, domains, _ = self.described.of_fold
        meta = prepared.tested(fold, domains, read_labels(context.folder(self.labels) / LABELS))
        found = self.described.described_in_parts(context, prepared, meta) if len(meta) else None
        self.write(folder / FILE_NAME, context, meta[KNOWN], found)
