"""Stage `memory`: the training series of a fold, kept to be looked up."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from grid.stage import Context, Stage, after
from motor.retrieval.memory import Memory, Remembered
from motor.stages.prepare import Prepare, Prepared
from motor.stages.training_series import is_allowed, known

if TYPE_CHECKING:
    import pandas as pd

FILE_NAME = "memory.safetensors"


@dataclass(frozen=True)
class Memorise(Stage):
    """Keep the series that a fine-tune trains on, once for each fold, regime and labels.

    Nothing of a validation or test motor is in it; how windows are compared is what looks them up that says.
    """

    KIND: ClassVar[str] = "memory"

    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    labels: str
    cleared: tuple[Stage, ...] = after(default=())

    def label(self) -> str:
        return f"{self.labels.replace(' ', '_')}-{'+'.join(self.domains)}-fold{self.fold}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``memory.safetensors``."""
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        meta = known(prepared, self.fold, self.domains, self.labels)
        training = meta[is_allowed(meta, self.labels, self.prepared.normal) & (meta["side"] == "train")]
        Memory.of(remembered(prepared, training, self.fold)).save(folder / FILE_NAME)


def remembered(prepared: Prepared, meta: "pd.DataFrame", fold: str) -> Iterator[Remembered]:
    """Yield series as a memory keeps them: whole, as a fold scales them."""
    for one in prepared.series(meta, fold):
        yield Remembered(one.motor, one.scaler.apply(prepared.recordings.signal(one.index)))
