"""Further series of a fold, described as those that its judge is fitted on, in a table of their own."""

from dataclasses import dataclass, field
from pathlib import Path

from grid.stage import Context, Stage
from motor.lazy import pandas as pd
from motor.stages.described import Described, feature_columns
from motor.stages.prepare import Prepared


@dataclass(frozen=True)
class DescribedBeside(Stage):
    """What stages have in common that describe further series as another stage describes a fold's.

    Attributes
    ----------
    described : Described
        The stage that describes the fold's series.
    """

    described: Described
    looked_at: tuple[Stage, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "looked_at", self.described.looked_at)

    def label(self) -> str:
        return self.described.label()

    def opened(self, context: Context) -> Prepared:
        """Return the recordings, as they were prepared."""
        stage = self.described.of_fold[0]
        return Prepared.open(context.folder(stage), stage)

    def write(self, path: Path, context: Context, known: "pd.DataFrame", found: "pd.DataFrame | None") -> None:
        """Write a table: what is known of each item, then the columns of ``features.parquet`` (None: of no series)."""
        columns = feature_columns(pd.read_parquet(context.folder(self.described) / "features.parquet"))
        features = pd.DataFrame(index=pd.Index([], name="item"), columns=columns, dtype=float)
        if found is not None:
            features = found.reindex(columns=columns, fill_value=0.0)  # the mark of a domain that no series is of
        table = known.set_index("item", drop=False).join(features, validate="one_to_one")
        table.reset_index(drop=True).to_parquet(path, index=False)
