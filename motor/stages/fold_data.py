"""What a fine-tune learns from and is stopped by: the windows of one fold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from motor.backbones.batch import Batch
from motor.backbones.training import Place, TrainingData
from motor.retrieval.memory import Remembered
from motor.stages.faults import input_faults
from motor.stages.memory import remembered
from motor.stages.prepare import Prepared
from motor.stages.training_series import increment
from motor.windows.cutting import WindowStream
from motor.windows.fixed import FixedWindows

if TYPE_CHECKING:
    import pandas as pd

    from motor.stages.finetune import Finetune

VALIDATION_WINDOWS = 2  # even windows a series


@dataclass(frozen=True)
class FoldData(TrainingData):
    """Windows of the series of a fold that a fine-tune's labels allow."""

    stage: "Finetune"
    prepared: Prepared
    meta: "pd.DataFrame"
    place: Place
    before: Mapping[str, str | None] | None = None  # of an increment: the labels of before, by item

    def batches(self, first_step: int) -> Iterator[Batch]:
        return self.stage.batches(self._stream, first_step, self.place)

    def validation(self) -> Iterator[Batch] | None:
        if self._held_out is None:
            return None
        lengths, held_out = self.stage.context_lengths, self._held_out
        return chain.from_iterable(self.stage.fixed_batches(held_out, length) for length in lengths)

    def even(self, windows_per_series: int) -> Iterator[Batch]:
        with input_faults():
            windows = self.stage.fixed(self.prepared, self._of("train"), windows_per_series)
        return self.stage.fixed_batches(windows, self.stage.context_length)

    def series(self) -> Iterator[Remembered]:
        return remembered(self.prepared, self._of("train"), self.stage.fold)

    @property
    def has_training(self) -> bool:
        """Whether there are series to learn from; an untrained forecaster needs none."""
        return not self._of("train").empty

    @cached_property
    def _stream(self) -> WindowStream:
        meta = self._of("train")
        if self.before is not None:
            meta = increment(meta, self.before, self.stage.replay, self.stage.seed)
        with input_faults():
            return self.stage.stream_of(self.prepared, meta)

    @cached_property
    def _held_out(self) -> FixedWindows | None:
        held_out = self._of("validation")
        if held_out.empty:
            return None
        with input_faults():
            return self.stage.fixed(self.prepared, held_out, VALIDATION_WINDOWS)

    def _of(self, side: str) -> "pd.DataFrame":
        return self.meta[self.stage.is_trained_on(self.meta) & (self.meta["side"] == side)]
