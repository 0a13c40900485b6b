"""Stage `features`: one row a series, as fine-tuned forecasters see it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from grid.stage import Context, Stage, beside, when_set
from motor.backbones.batch import as_batch
from motor.backbones.batching import BatchSize
from motor.backbones.conformal import load_offsets
from motor.backbones.training import beginning_again, forget_tried, shrink_batch
from motor.features.base import ForecastFeature, WindowFeatures, of_class_forecaster, side_by_side
from motor.lazy import pandas as pd
from motor.stages.described import Described
from motor.stages.describer import BuiltStages, Describer, InStorage, SeriesBatch
from motor.stages.devices import held_device
from motor.stages.faults import input_faults
from motor.stages.finetune import Finetune
from motor.stages.measured import read_skill, read_training
from motor.stages.memory import FILE_NAME as MEMORY
from motor.stages.passes import Passes
from motor.stages.prepare import Prepare, Prepared
from motor.stages.training_series import ONLY
from motor.windows.fixed import FixedWindows

OF_FORECASTERS = ("torch", "safetensors")  # and what the kind of backbone imports


@dataclass(frozen=True)
class Features(Described):
    """Describe every series of a fold's domains by one forecaster, or by one for each class."""

    KIND: ClassVar[str] = "features"
    AHEAD: ClassVar[tuple[str, ...]] = ("torch", "safetensors.torch", "pandas")

    finetunes: tuple[Finetune, ...]
    features: tuple[ForecastFeature, ...]
    context_length: int  # one of those that the fine-tunes saw
    windows_per_series: int
    classes: tuple[str, ...]
    prepared: Prepare | None = when_set(default=None)  # whose series are described; by default the first fine-tune's
    exports_memory: bool = when_set(default=False)  # else an exported folder forecasts without modules
    batch_size: int | None = beside(default=None)  # None: found (see `motor.backbones.batching`)

    @property
    def of_fold(self) -> tuple[Prepare, str, tuple[str, ...], int]:
        tuned = self.finetunes[0]
        return self.prepared or tuned.prepared, tuned.fold, tuned.domains, tuned.seed

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.kind for feature in self.features)

    @property
    def saw_labels(self) -> bool:
        return len(self.finetunes) > 1

    def pace(self) -> str:
        """See `grid.stage.Stage.pace`: cost goes with the context, and a forecast takes longer than an embedding."""
        return f"{self.KIND} {'+'.join(self.names)} ctx{self.context_length}"

    def label(self) -> str:
        tuned = self.finetunes[0].label() if len(self.finetunes) == 1 else f"each-{self.finetunes[0].place()}"
        return f"{'_'.join(self.names)}-{tuned}"

    @property
    def parts(self) -> tuple[tuple[Stage, str], ...]:
        return (*((tuned, "predictor") for tuned in self.finetunes), *self._memories)

    @property
    def left_behind(self) -> tuple[tuple[Stage, str], ...]:
        return () if self.exports_memory else self._memories

    @property
    def _memories(self) -> tuple[tuple[Stage, str], ...]:
        """The training series that are looked up, each once."""
        found = {tuned.memory.key: tuned.memory for tuned in self.finetunes if tuned.memory is not None}
        return tuple((memory, MEMORY) for memory in found.values())

    @property
    def models(self) -> dict[str, tuple[Stage, str]]:
        """The forecasters, each in the stock format of its family."""
        if len(self.finetunes) == 1:
            return {"predictor": (self.finetunes[0], "predictor")}
        return {f"predictor-{tuned.labels.replace(' ', '-')}": (tuned, "predictor") for tuned in self.finetunes}

    @property
    def packages(self) -> tuple[str, ...]:
        plugins: list[Any] = [*self.features, *(tuned.backbone for tuned in self.finetunes)]
        plugins += [module for tuned in self.finetunes for module in tuned.modules]
        return (*OF_FORECASTERS, *(name for plugin in plugins for name in plugin.PACKAGES))

    def open(self, built: BuiltStages, device: str) -> "ForecastDescriber":
        return ForecastDescriber(self, tuple(self._loaded(built, device)))

    def build(self, folder: Path, context: Context) -> None:
        """Write ``features.parquet``, the seeds' files by side, ``figures/`` and ``summary.json``."""
        forget_tried(context.work())
        prepared_stage, fold, domains, _ = self.of_fold
        prepared = Prepared.open(context.folder(prepared_stage), prepared_stage)
        meta = prepared.meta(fold, domains)
        describer = self._describer(context)
        with input_faults():
            batch = prepared.batch(meta, fold)
        self.write(folder, meta, describer.table([describer.look(batch)], meta), self._of_trainings(context))

    def described_in_parts(self, context: Context, prepared: Prepared, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Describe series that the stage itself left out, as many windows at once as it takes itself."""
        forget_tried(context.work())
        describer = self._describer(context)
        with input_faults():
            batch = prepared.batch(meta, self.of_fold[1])
        return describer.table([describer.look(batch)], meta)

    def _describer(self, context: Context) -> "ForecastDescriber":
        """Return what describes series while a stage is built, one forecaster after the other."""
        device = held_device(context.resources)
        sizes = tuple(BatchSize(self.batch_size, device, _to_log, context.work()) for _ in self.features)
        forecasters = self._loaded(InStorage(context, self.parts), device)
        return ForecastDescriber(self, forecasters, sizes, lambda n_windows: context.report(windows=n_windows))

    def _loaded(self, built: BuiltStages, device: str) -> Iterator[Any]:
        for tuned in self.finetunes:
            folder, memory = built.folder(tuned) / "predictor", None
            if tuned.memory is not None and built.has(tuned.memory):
                memory = built.folder(tuned.memory) / MEMORY
            forecaster: Any = tuned.loaded(folder, memory)
            if (tuned.memory is None) == (memory is None):  # the offsets are of the forecast with modules
                load_offsets(forecaster, folder)
            yield forecaster.to(device)

    def workload(self, n_items: float) -> tuple[Passes, ...]:
        """Return the windows that each feature needs."""
        n_series = round(n_items * len(self.of_fold[2]))
        n_windows = n_series * self.windows_per_series * len(self.finetunes)
        has_modules = any(tuned.modules for tuned in self.finetunes)
        return tuple(Passes(name, n_windows, (self.context_length,), has_modules=has_modules) for name in self.names)

    def shrink_batch(self, work: Path) -> str | None:
        """See `grid.stage.Stage.shrink_batch`: passes take half as many windows; what they give differs by rounding."""
        half = shrink_batch(work, self.finetunes[0].windows_together)
        return None if half is None else beginning_again(half)

    def _of_trainings(self, context: Context) -> dict[str, Any]:
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


Looks = list[list[WindowFeatures]]  # by forecaster, and by feature


@dataclass(frozen=True)
class ForecastDescriber(Describer):
    """Describes series as the forecasters of one fold see their windows.

    Attributes
    ----------
    stage : Features
    forecasters : iterable
        On their device, in the order of the stage's fine-tunes.
    sizes : tuple of BatchSize
        One for each feature: how many windows go through at once. Without, all windows that are looked at do.
    tell : callable
        Is called with how many windows of a feature have gone through.
    """

    stage: Features
    forecasters: Iterable[Any]
    sizes: tuple[BatchSize, ...] = ()
    tell: Callable[[int], None] = lambda n_windows: None

    @property
    def fewest_samples(self) -> int:
        return max(map(self.window_length, self.stage.features))

    @property
    def looks_together(self) -> bool:
        return self.stage.finetunes[0].backbone.sees_together

    @property
    def compares(self) -> bool:
        return self.looks_together or any(feature.compares for feature in self.stage.features)

    def look(self, batch: SeriesBatch) -> Looks:
        return [self._seen(forecaster, batch) for forecaster in self.forecasters]

    def table(self, looks: Sequence[Looks], meta: "pd.DataFrame") -> "pd.DataFrame":
        return side_by_side([self._of_forecaster(place, looks, meta) for place in range(len(self.stage.finetunes))])

    def _of_forecaster(self, place: int, looks: Sequence[Looks], meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return one row a series, all features of a forecaster side by side."""
        frames = []
        for number, feature in enumerate(self.stage.features):
            frames.append(feature.per_series(_as_one([look[place][number] for look in looks]), meta))
        frame, several = side_by_side(frames), len(self.stage.finetunes) > 1
        return of_class_forecaster(frame, self.stage.finetunes[place].labels) if several else frame

    def _seen(self, forecaster: Any, batch: SeriesBatch) -> list[WindowFeatures]:
        """Return what each feature sees of the windows of some series."""
        found = []
        for number, feature in enumerate(self.stage.features):
            with forecaster.answering_shortcuts():
                found.append(self._windows(forecaster, feature, batch, self.sizes[number] if self.sizes else None))
        return found

    def _windows(
        self, forecaster: Any, feature: ForecastFeature, batch: SeriesBatch, size: BatchSize | None
    ) -> WindowFeatures:
        """Describe the windows; all of one feature are equally long, so a batch of any of them is without padding."""
        parts, items, numbers = [], [], []
        for rate_hz in sorted({series.sampling_rate_hz for series in batch.series}):
            fixed = self.cut(feature, batch, rate_hz)

            def described(places: range, fixed: FixedWindows = fixed, rate_hz: float = float(rate_hz)) -> tuple:
                cut = fixed.batch(places)
                return cut, feature.per_window(forecaster, as_batch(fixed, cut, self.stage.context_length), rate_hz)

            at_once = [described(range(len(fixed)))] if size is None else None
            for cut, part in at_once or size.passes(len(fixed), described, fixed.end_of_batch):  # type: ignore[union-attr]
                parts.append(part)
                items += [fixed.series[place].item for place in cut["item"]]
                numbers += cut["window_index"].tolist()
                self.tell(len(items))
        return WindowFeatures.join(parts, items, numbers)

    def cut(self, feature: ForecastFeature, batch: SeriesBatch, sampling_rate_hz: float) -> FixedWindows:
        """Return the windows of series of one sampling rate."""
        tuned, count = self.stage.finetunes[0], self.stage.windows_per_series
        series = tuple(one for one in batch.series if one.sampling_rate_hz == sampling_rate_hz)
        given = batch.signals, series, tuned.domains, self.window_length(feature), count
        with input_faults():
            return FixedWindows(*given, together=self.looks_together)

    def window_length(self, feature: ForecastFeature) -> int:
        """Return how many samples a feature needs of a series."""
        return self.stage.context_length + (self.stage.finetunes[0].prediction_length if feature.needs_future else 0)


def _as_one(parts: Sequence[WindowFeatures]) -> WindowFeatures:
    """Return what was seen of several series as one, in their order."""
    residuals = [part.residuals_BH for part in parts if part.residuals_BH is not None]
    return WindowFeatures(pd.concat([part.frame for part in parts]), np.concatenate(residuals) if residuals else None)


def _to_log(text: str) -> None:
    """Say something in the stage's log."""
    print(text, flush=True)
