"""Training data and trainer, as `Forecaster.fit` gets them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.training.settings import ALONE, Place, Report, Training
from motor.retrieval.memory import Remembered

if TYPE_CHECKING:
    from motor.backbones.forecaster import Forecaster

History = list[dict[str, float]]

MOST_WINDOWS = 64  # a series, where a memory gets windows in its place


class TrainingData(ABC):
    """Windows of training series, and of those that are held out to validate on."""

    @abstractmethod
    def batches(self, first_step: int) -> Iterator[Batch]:
        """Return the batches of step `first_step` (from 0) and all that follow: random windows, this worker's rows."""

    @abstractmethod
    def validation(self) -> Iterable[Batch] | None:
        """Return the windows to validate on, the same each time and on each worker; None where there are none."""

    @abstractmethod
    def even(self, windows_per_series: int) -> Iterable[Batch]:
        """Return evenly spaced windows of the training series, the same each time and on each worker."""

    def series(self) -> Iterable[Remembered]:
        """Return the training series whole, in scaled units, for a memory; by default evenly spaced windows of them."""
        for batch in self.even(MOST_WINDOWS):
            motor_B = np.full(batch.n_windows, "") if batch.motor_B is None else batch.motor_B
            window_BN = np.concatenate([batch.context_BT, batch.future_BH], axis=1)
            yield from map(Remembered, motor_B.tolist(), window_BN)


@dataclass(frozen=True)
class Trainer:
    """The training loop with all but the forecaster and its data; see `motor.backbones.training.train`."""

    settings: Training
    seed: int
    folder: Path | None
    report: Report
    device: str = "cpu"
    place: Place = ALONE
    micro_batch: int | None = None

    def run(self, forecaster: "Forecaster", data: TrainingData) -> History:
        """Run the loop and return its curves."""
        from motor.backbones.training.loop import train  # which trains forecasters, and they know this file

        validation = data.validation if data.validation() is not None else None
        return train(
            forecaster,
            data.batches,
            validation,  # type: ignore[arg-type] # it is asked, and there is some
            self.settings,
            self.seed,
            self.folder,
            self.report,
            self.device,
            self.place,
            self.micro_batch,
        )
