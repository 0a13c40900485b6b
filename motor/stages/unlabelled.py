"""Stage `unlabelled`: training series whose label nobody knows (or is hidden), described as those with a label."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from grid.stage import Context
from motor.stages.beside import DescribedBeside
from motor.stages.described import KNOWN
from motor.stages.prepare import ASIDE, Prepared

if TYPE_CHECKING:
    import pandas as pd

FILE_NAME = "unlabelled.parquet"
TRUTH = "hidden_label"  # of a series whose label is hidden: to measure by afterwards, never to learn from


@dataclass(frozen=True)
class UnlabelledSeries(DescribedBeside):
    """Describe the series that a fold may learn from without a label.

    Attributes
    ----------
    described : Described
        The stage that describes the labelled ones.
    motors : {"training", "all"}
        Whose series: with ``all`` unlabelled series of test motors, too.
    """

    KIND: ClassVar[str] = "unlabelled"

    motors: Literal["training", "all"] = "training"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``unlabelled.parquet``: item, motor, domain, `TRUTH`, then the columns of ``features.parquet``."""
        prepared = self.opened(context)
        _, fold, domains, _ = self.described.of_fold
        meta = self._meta(prepared, fold, domains)
        known = meta[["item", "motor", "domain"]].assign(**{TRUTH: _hidden_labels(prepared, meta)})
        found = self.described.described_later(context, prepared, meta) if len(meta) else None
        self.write(folder / FILE_NAME, context, known, found)

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
