"""Stage `unlabelled`: training series whose label nobody knows (or is hidden), described as those with a label."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from grid.stage import Context, Stage
from motor.stages.described import KNOWN, Described, feature_columns
from motor.stages.prepare import ASIDE, Prepared

if TYPE_CHECKING:
    import pandas as pd

FILE_NAME = "unlabelled.parquet"
TRUTH = "hidden_label"  # of a series whose label is hidden: to measure by afterwards, never to learn from


@dataclass(frozen=True)
class UnlabelledSeries(Stage):
    """Describe the series that a fold may learn from without a label.

    Attributes
    ----------
    described : Described
        The stage that describes the labelled ones.
    motors : {"training", "all"}
        Whose series: with ``all`` unlabelled series of test motors, too.
    """

    KIND: ClassVar[str] = "unlabelled"

    described: Described
    motors: Literal["training", "all"] = "training"
    looked_at: tuple[Stage, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "looked_at", self.described.looked_at)

    def label(self) -> str:
        return self.described.label()

    def build(self, folder: Path, context: Context) -> None:
        """Write ``unlabelled.parquet``: item, motor, domain, `TRUTH`, then the columns of ``features.parquet``."""
        import pandas as pd

        prepared_stage, fold, domains, _ = self.described.of_fold
        prepared = Prepared.open(context.folder(prepared_stage), prepared_stage)
        columns = feature_columns(pd.read_parquet(context.folder(self.described) / "features.parquet"))
        meta = self._meta(prepared, fold, domains)
        known = meta[["item", "motor", "domain"]].assign(**{TRUTH: _hidden_labels(prepared, meta)})
        features = pd.DataFrame(index=pd.Index([], name="item"), columns=columns, dtype=float)
        if len(meta):
            features = self.described.described_later(context, prepared, meta).reindex(columns=columns, fill_value=0.0)
        table = known.set_index("item", drop=False).join(features, validate="one_to_one")
        table.reset_index(drop=True).to_parquet(folder / FILE_NAME, index=False)

    def _meta(self, prepared: Prepared, fold: str, domains: tuple[str, ...]) -> "pd.DataFrame":
        of_tested = "train" if self.motors == "all" else ASIDE
        meta = prepared.meta_with_unlabelled(fold, domains, of_tested)
        return meta[meta["label"].isna() & (meta["side"] == "train")]


def unlabelled_columns(table: "pd.DataFrame") -> list[str]:
    """Return the features' columns of ``unlabelled.parquet``."""
    return [column for column in table if column not in (*KNOWN, TRUTH)]


def _hidden_labels(prepared: Prepared, meta: "pd.DataFrame") -> list[str | None]:
    """Return the labels that the data has for these series and that are hidden from the fold."""
    labels = prepared.recordings.meta.loc[meta.index, "label"]
    return [label if isinstance(label, str) else None for label in labels]
