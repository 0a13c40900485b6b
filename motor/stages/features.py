"""Stage `features`: one row a series, as fine-tuned forecasters see it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import Context, beside
from motor.features.base import ForecastFeature, WindowFeatures
from motor.stages.faults import input_faults
from motor.stages.finetune import ONLY, Finetune, one_device, read_training
from motor.stages.prepare import Prepare, Prepared
from motor.stages.series_features import SeriesFeatures, side_by_side
from motor.windows.cutting import FixedWindows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Features(SeriesFeatures):
    """Describe every series of a fold's domains by one forecaster, or by one for each class."""

    KIND: ClassVar[str] = "features"

    finetunes: tuple[Finetune, ...]
    features: tuple[ForecastFeature, ...]
    windows_per_series: int
    classes: tuple[str, ...]
    batch_size: int = beside(default=32)

    @property
    def of_fold(self) -> tuple[Prepare, str, tuple[str, ...], int]:
        tuned = self.finetunes[0]
        return tuned.prepared, tuned.fold, tuned.domains, tuned.seed

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.kind for feature in self.features)

    @property
    def saw_labels(self) -> bool:
        return len(self.finetunes) > 1

    def label(self) -> str:
        tuned = self.finetunes[0].label() if len(self.finetunes) == 1 else f"each-{self.finetunes[0].place()}"
        return f"{'_'.join(self.names)}-{tuned}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, the seeds' files by side, ``figures/`` and ``summary.json``."""
        prepared_stage, fold, domains, _ = self.of_fold
        prepared = Prepared.open(context.folder(prepared_stage), prepared_stage)
        meta = prepared.meta(fold, domains)
        frames = [self._described(tuned, prepared, meta, context) for tuned in self.finetunes]
        self.write(folder, meta, side_by_side(frames), self._told(context))

    def _described(self, tuned: Finetune, prepared: Prepared, meta: "pd.DataFrame", context: Context) -> "pd.DataFrame":
        forecaster: Any = tuned.backbone.load(context.folder(tuned) / "predictor", tuned.domains)
        forecaster.to(one_device(context))
        frames = []
        for feature in self.features:
            windows = self._windows(feature, tuned, forecaster, prepared, meta, context)
            frames.append(feature.per_series(windows, meta))
        frame = side_by_side(frames)
        if len(self.finetunes) == 1:
            return frame
        return frame.rename(columns=lambda name: name if name.startswith("domain_is_") else f"{tuned.labels}: {name}")

    def _windows(
        self,
        feature: ForecastFeature,
        tuned: Finetune,
        forecaster: Any,
        prepared: Prepared,
        meta: "pd.DataFrame",
        context: Context,
    ) -> WindowFeatures:
        parts, items, numbers = [], [], []
        length = tuned.context_length + (tuned.prediction_length if feature.needs_future else 0)
        for rate, of_rate in meta.groupby("sampling_rate_hz"):
            with input_faults():
                series = prepared.series(of_rate, tuned.fold)
                fixed = FixedWindows(prepared.recordings, series, tuned.domains, length, self.windows_per_series)
            for cut in fixed.batches(self.batch_size):
                arguments = (cut["window"], cut["domain"], tuned.context_length, float(rate))
                parts.append(feature.per_window(forecaster, *arguments))
                items += [fixed.series[place].item for place in cut["item"]]
                numbers += cut["window_index"].tolist()
                context.report(windows=len(items))
        return WindowFeatures.join(parts, items, numbers)

    def _told(self, context: Context) -> dict[str, Any]:
        folders = [context.folder(tuned) for tuned in self.finetunes]
        trainings = [read_training(folder) for folder in folders]
        training = {name: value for name, value in trainings[0].items() if name != "history"}
        training["n_steps"] = sum(each["n_steps"] for each in trainings)
        skill = [
            row
            for tuned, folder in zip(self.finetunes, folders, strict=True)
            for row in json.loads((folder / "skill.json").read_text(encoding="utf-8"))
            if not tuned.labels.startswith(ONLY) or tuned.labels == f"{ONLY}{row['label']}"  # a class by its own
        ]
        return {"training": training, "forecast_skill": skill}
