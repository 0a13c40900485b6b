"""Stage `scored`: the labelled series of test motors, described as those that a judge is fitted on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from grid.stage import Context, Stage
from motor.recordings.table import LABELS, read_labels
from motor.stages.described import KNOWN, Described, feature_columns
from motor.stages.labels import LabelsBeside
from motor.stages.prepare import Prepared

FILE_NAME = "features.parquet"


@dataclass(frozen=True)
class ScoredSeries(Stage):
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

    described: Described
    labels: LabelsBeside
    looked_at: tuple[Stage, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "looked_at", self.described.looked_at)

    def label(self) -> str:
        return self.described.label()

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, with the columns that the one of `described` has."""
        import pandas as pd

        prepared_stage, fold, domains, _ = self.described.of_fold
        prepared = Prepared.open(context.folder(prepared_stage), prepared_stage)
        columns = feature_columns(pd.read_parquet(context.folder(self.described) / FILE_NAME))
        meta = prepared.tested(fold, domains, read_labels(context.folder(self.labels) / LABELS))
        features = pd.DataFrame(index=pd.Index([], name="item"), columns=columns, dtype=float)
        if len(meta):
            found = self.described.described_in_parts(context, prepared, meta)
            features = found.reindex(columns=columns, fill_value=0.0)  # the mark of a domain that no series is of
        table = meta.set_index("item", drop=False)[KNOWN].join(features, validate="one_to_one")
        table.reset_index(drop=True).to_parquet(folder / FILE_NAME, index=False)
