"""Stage `features`: one row a series, as fine-tuned forecasters see it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import Context, beside
from motor.backbones.batching import BatchSize
from motor.backbones.chronos.inference import shortened_answers
from motor.backbones.training import beginning_again, forget_tried, lighten
from motor.features.base import ForecastFeature, WindowFeatures, of_class_forecaster, side_by_side
from motor.stages.described import Described
from motor.stages.faults import input_faults
from motor.stages.finetune import ONLY, Finetune, held_device, read_skill, read_training
from motor.stages.prepare import Prepare, Prepared
from motor.windows.cutting import FixedWindows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Features(Described):
    """Describe every series of a fold's domains by one forecaster, or by one for each class."""

    KIND: ClassVar[str] = "features"

    finetunes: tuple[Finetune, ...]
    features: tuple[ForecastFeature, ...]
    context_length: int  # one of those that the fine-tunes saw
    windows_per_series: int
    classes: tuple[str, ...]
    batch_size: int | None = beside(default=None)  # None: found (see `motor.backbones.batching`)

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
        forget_tried(context.work())
        prepared_stage, fold, domains, _ = self.of_fold
        prepared = Prepared.open(context.folder(prepared_stage), prepared_stage)
        meta = prepared.meta(fold, domains)
        device = held_device(context.resources)
        sizes = [BatchSize(self.batch_size, device, _to_log, context.work()) for _ in self.features]
        frames = []
        for tuned in self.finetunes:
            forecaster: Any = tuned.backbone.load(context.folder(tuned) / "predictor", tuned.domains)
            described = Seen(self, tuned, forecaster.to(device), prepared, meta, context)
            frames.append(described.by_features(sizes))
        self.write(folder, meta, side_by_side(frames), self._told(context))

    def lighten(self, work: Path) -> str | None:
        """See `grid.stage.Stage.lighten`: passes take half as many windows; what they give differs by rounding."""
        half = lighten(work, self.finetunes[0].windows_together)
        return None if half is None else beginning_again(half)

    def _told(self, context: Context) -> dict[str, Any]:
        folders = [context.folder(tuned) for tuned in self.finetunes]
        trainings = [read_training(folder, self.context_length) for folder in folders]
        training = {name: value for name, value in trainings[0].items() if name != "history"}
        training["n_steps"] = sum(each["n_steps"] for each in trainings)
        skill = [
            row
            for tuned, folder in zip(self.finetunes, folders, strict=True)
            for row in read_skill(folder, self.context_length)
            if not tuned.labels.startswith(ONLY) or tuned.labels == f"{ONLY}{row['label']}"  # a class by its own
        ]
        return {"training": training, "forecast_skill": skill}


@dataclass(frozen=True)
class Seen:
    """The series of a fold as one forecaster sees them."""

    stage: Features
    tuned: Finetune
    forecaster: Any
    prepared: Prepared
    meta: "pd.DataFrame"
    context: Context

    def by_features(self, sizes: list[BatchSize]) -> "pd.DataFrame":
        """Return one row a series, all features side by side; `sizes` has one entry for each feature."""
        frames = []
        for feature, size in zip(self.stage.features, sizes, strict=True):
            with shortened_answers(self.forecaster):
                windows = self._windows(feature, size)
            frames.append(feature.per_series(windows, self.meta))
        frame = side_by_side(frames)
        if len(self.stage.finetunes) == 1:
            return frame
        return of_class_forecaster(frame, self.tuned.labels)

    def _windows(self, feature: ForecastFeature, size: BatchSize) -> WindowFeatures:
        """Describe the windows; all of one feature are equally long, so a batch of any of them is without padding."""
        parts, items, numbers = [], [], []
        for rate, of_rate in self.meta.groupby("sampling_rate_hz"):
            fixed = self.cut(feature, of_rate)

            def described(places: range, fixed: FixedWindows = fixed, rate: float = float(rate)) -> tuple:
                cut = fixed.batch(places)
                known = cut["window"], cut["domain"], self.stage.context_length, rate, cut.get("group")
                return cut, feature.per_window(self.forecaster, *known)

            for cut, part in size.passes(len(fixed), described, fixed.end_of_batch):
                parts.append(part)
                items += [fixed.series[place].item for place in cut["item"]]
                numbers += cut["window_index"].tolist()
                self.context.report(windows=len(items))
        return WindowFeatures.join(parts, items, numbers)

    def cut(self, feature: ForecastFeature, meta: "pd.DataFrame") -> FixedWindows:
        """Return the windows of series of one sampling rate."""
        length = self.stage.context_length + (self.tuned.prediction_length if feature.needs_future else 0)
        with input_faults():
            series = self.prepared.series(meta, self.tuned.fold)
            source, count = self.prepared.recordings, self.stage.windows_per_series
            together = self.tuned.backbone.sees_together
            return FixedWindows(source, series, self.tuned.domains, length, count, together=together)


def _to_log(text: str) -> None:
    """Say something in the stage's log."""
    print(text, flush=True)
