"""Stage `finetune`: from a backbone to `predictor/`, by Ray Train."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from grid.stage import Context, Resources, Stage, after, beside, when_set
from grid.store.store import write_json
from motor.backbones.base import Backbone
from motor.backbones.batch import Batch, as_batch
from motor.backbones.conformal import calibrate, save_offsets
from motor.backbones.modules.base import Module
from motor.backbones.names import check_names_unread
from motor.backbones.training import (
    ALONE,
    History,
    Place,
    Trainer,
    Training,
    beginning_again,
    forget_tried,
    going_on,
    shrink_batch,
)
from motor.recordings.table import LABELS, read_labels
from motor.retrieval.memory import Memory
from motor.stages.adapters import is_as_it_was, kept_adapter, put_adapter, write_adapter
from motor.stages.curves import CURVES, LiveCurves, write_curves
from motor.stages.devices import held_device
from motor.stages.faults import input_faults
from motor.stages.fold_data import FoldData
from motor.stages.forecasts import FILE_NAME as FORECASTS
from motor.stages.lookups import Lookup
from motor.stages.measured import Measured
from motor.stages.memory import FILE_NAME as MEMORY
from motor.stages.memory import Memorise
from motor.stages.passes import TRAINING, Passes
from motor.stages.prepare import Prepare, Prepared
from motor.stages.training_series import ONLY, is_allowed, known
from motor.windows.augmentations.base import Augmentation
from motor.windows.cutting import WindowStream
from motor.windows.fixed import FixedWindows
from motor.windows.streaming import ray_batches

if TYPE_CHECKING:
    import pandas as pd

    from motor.backbones.forecaster import Forecaster
    from motor.stages.train_workers import Report

MEASURED = ("windows_per_s",)  # of a history's row, what is another number each time; it is in the curves alone


@dataclass(frozen=True)
class Finetune(Stage):
    """Train a forecaster on the training motors of one fold.

    `labels` says on which series: ``normal`` ones, ``all`` that have a label, ``any`` (also those without one), or
    ``only <class>``.

    With two or more `domains` the forecaster knows which one a window is from (see `docs/domain.md`). With
    several `context_lengths`, each step draws one of them, so that one model serves all.
    """

    KIND: ClassVar[str] = "finetune"
    SHARES_WORK: ClassVar[bool] = True
    HAS_CURVES: ClassVar[bool] = True
    AHEAD: ClassVar[tuple[str, ...]] = ("torch", "safetensors.torch", "ray.data")

    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    labels: str
    context_lengths: tuple[int, ...]
    prediction_length: int
    quantile_levels: tuple[float, ...]
    backbone: Backbone
    weights_digest: str | None
    training: Training
    windows_per_series: int
    augmentations: dict[str, tuple[Augmentation, ...]]  # by domain
    seed: int
    start: "Finetune | None" = None
    before: Stage | None = when_set(default=None)  # of an increment: the labels that `start` was trained by
    replay: float = when_set(default=0.0)  # of an increment: series of before for each new one
    begins_with: "tuple[Finetune, ...]" = when_set(default=())
    modules: tuple[Module, ...] = when_set(default=())
    memory: Memorise | None = when_set(default=None)  # where one of the modules looks windows up
    augmented_by: str = when_set(default="")  # where random numbers of augmentations come from, for who trains on them
    regime: str = beside(default="")
    stream: str = beside(default="memory_map")
    batch_size: int = beside(default=32)
    micro_batch: int | None = beside(default=None)
    cleared: tuple[Stage, ...] = after(default=())

    def pace(self) -> str:
        """See `grid.stage.Stage.pace`: cost goes with the context, and one that is not trained takes next to none."""
        return f"{self.KIND} ctx{self.context_length} {'trained' if self.is_trained else 'as it came'}"

    def label(self) -> str:
        trained = f"{self.start.labels}_then_{self.labels}" if self.start else self.labels
        return f"{trained.replace(' ', '_')}-{self.place()}"

    def title(self, axes: Mapping[str, tuple[Any, ...]]) -> str:
        """Return its name by the methods that need it, say ``A+B/Joint/ctx4096``; see `grid.plan.titles`."""
        heard = self.prepared.representation.kind
        contexts = "+".join(map(str, self.context_lengths))
        parts = ["+".join(axes.get("method", ())), self.regime, *([] if heard == "raw" else [heard]), f"ctx{contexts}"]
        only = f" {self.labels}" if ONLY in self.labels else ""
        fold = "" if len(self.prepared.split.fold_names()) == 1 else f" fold {self.fold}"
        return f"{'/'.join(parts)}{only}{fold}"

    def place(self) -> str:
        """Return the rest of its name: domain, representation, context and fold."""
        heard = self.prepared.representation.kind
        regime = self.regime if heard == "raw" else f"{self.regime}-{heard}"
        contexts = "+".join(map(str, self.context_lengths))
        return f"{regime}-ctx{contexts}-fold{self.fold}"

    @property
    def context_length(self) -> int:
        """The longest context, which the model is made for."""
        return max(self.context_lengths)

    @property
    def is_trained(self) -> bool:
        """Whether the training loop is run, on as many workers as are asked for."""
        return self.labels != "none" and not self.backbone.CLOSED_FORM

    @property
    def windows_together(self) -> int:
        """Windows that see one another, and so cannot be parted: those of a moment, one a domain."""
        return len(self.domains) if self.backbone.sees_together else 1

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """What it looks up in training series."""
        if self.labels == "none":
            return ()
        named: list[tuple[str, Any]] = [(f"modules.{module.kind}", module) for module in self.modules]
        named += [("backbone", self.backbone)]
        return tuple(
            Lookup(
                setting=f"{name}.top_k",
                domains=self.domains,
                labels=self.labels,
                top_k=one.top_k,
                n_samples=min(one.key_length, self.context_length) + self.prediction_length,
                stride=one.stride,
            )
            for name, one in named
            if one.LOOKS_UP
        )

    def asks(self, given: Resources) -> Resources:
        """See `grid.stage.Stage.asks`: several workers only where the training loop is run."""
        return given if self.is_trained else super().asks(given)

    def workload(self, n_items: float) -> tuple[Passes, ...]:
        """Return the windows that it trains on; neither validation nor the forecasts of the skill are counted."""
        steps, size = self.training.num_steps, self.training.batch_size
        work = Passes(TRAINING, steps * size, self.context_lengths, steps, bool(self.modules))
        return (work,) if self.is_trained else ()

    def shrink_batch(self, work: Path) -> str | None:
        """See `grid.stage.Stage.shrink_batch`: half as many windows at once; a step has as many."""
        half = shrink_batch(work, self.windows_together)
        if half is None:
            return None
        return going_on(half) if self.is_trained else beginning_again(half)

    def build(self, folder: Path, context: Context) -> None:
        """Write ``predictor/`` (stock format), ``training.json``, ``skill.json`` and ``forecasts.json``."""
        from motor.stages.train_workers import in_ray_train  # not for a plan alone

        at = Workplace.of(self, folder, context)
        forget_tried(at.work)
        if self.is_trained:
            in_ray_train(partial(run_finetune, self, at), context)
        else:
            run_finetune(self, at, ALONE, lambda row: None)

    def start_forecaster(self, at: "Workplace") -> "Forecaster":
        """Return the forecaster before any training of this stage."""
        memory = None if self.memory is None else at.inputs[self.memory.key] / MEMORY
        if self.start is not None:
            return self.start.loaded(at.inputs[self.start.key] / "predictor", memory)
        forecaster = self.backbone.create(
            self.context_length,
            self.prediction_length,
            self.quantile_levels,
            self.training.dropout_rate,
            self.domains,
            self.seed,
        )
        if self.begins_with:
            folders = [(one, at.inputs[one.key] / "predictor") for one in self.begins_with]
            forecaster.begin_with([one.backbone.load(folder, one.domains) for one, folder in folders])
        if not self.modules:
            return forecaster
        from motor.backbones.modules.attached.forecaster import attached  # layers of torch

        return with_memory(attached(forecaster, self.modules, self.seed), memory)

    def loaded(self, folder: Path, memory: Path | None) -> "Forecaster":
        """Return what this stage trained: with its modules, but for those that look windows up and have no memory.

        Parameters
        ----------
        folder : Path
            Its ``predictor/``.
        memory : Path or None
            The file to look windows up in. None where there is none to be had: then a forecaster whose modules need
            one forecasts without any of them.
        """
        forecaster = self.backbone.load(folder, self.domains)
        if not self.modules or (self.memory is not None and memory is None):
            return forecaster
        from motor.backbones.modules.attached.forecaster import loaded  # layers of torch

        return with_memory(loaded(forecaster, self.modules, folder), memory)

    def is_trained_on(self, meta: "pd.DataFrame") -> "pd.Series":
        """Tell which series the labels allow."""
        return is_allowed(meta, self.labels, self.prepared.normal)

    def known(self, prepared: Prepared) -> "pd.DataFrame":
        """Return the series that it may know of; test series among them, to measure it on."""
        return known(prepared, self.fold, self.domains, self.labels)

    def stream_of(self, prepared: Prepared, meta: "pd.DataFrame") -> WindowStream:
        if meta.empty:
            raise ValueError(f"no series to train on: fold {self.fold}, {self.regime}, labels {self.labels}")
        return WindowStream(
            signals=prepared.recordings,
            series=prepared.series(meta, self.fold),
            domains=self.domains,
            window_length=self.context_length + self.prediction_length,
            windows_per_series=self.windows_per_series,
            seed=self.seed,
            augmentations=self.augmentations,
            together=self.backbone.sees_together,
        )

    def fixed(self, prepared: Prepared, meta: "pd.DataFrame", count: int) -> FixedWindows:
        """Return even windows of some series, for the longest context."""
        length = self.context_length + self.prediction_length
        series, together = prepared.series(meta, self.fold), self.backbone.sees_together
        return FixedWindows(prepared.recordings, series, self.domains, length, count, together=together)

    def batches(self, stream: WindowStream, first_step: int, place: Place) -> Iterator[Batch]:
        """Return the batches of a step and all that follow; each step draws its context length."""
        size = self.training.batch_size
        first, end = first_step * size, self.training.num_steps * size
        if self.stream == "ray_data":
            source: Iterable[dict[str, np.ndarray]] = ray_batches(stream, first, end, size, *place)
        else:
            source = stream.batches(first, end, size, *place)
        steps, longest = count(first_step), self.context_length
        drawn = zip(steps, source, strict=False)
        return (as_batch(stream, cut, longest, self.drawn_context(step)) for step, cut in drawn)

    def drawn_context(self, step: int) -> int:
        """Return the context length of a step: where there are several, a function of the seed and the step."""
        if len(self.context_lengths) == 1:
            return self.context_lengths[0]
        drawn = np.random.default_rng([self.seed, step, len(self.context_lengths)])
        return self.context_lengths[int(drawn.integers(len(self.context_lengths)))]

    def fixed_batches(self, windows: FixedWindows, context_length: int) -> Iterator[Batch]:
        """Return fixed windows in order, their contexts cut to a length."""
        longest = self.context_length
        return (as_batch(windows, cut, longest, context_length) for cut in windows.batches(self.batch_size))

    def _context_seen(self, forecaster: "Forecaster") -> int:
        """Return the samples that the encoder sees, which must be all of the context: a shorter one is a sham."""
        if forecaster.context_length < self.context_length:
            raise RuntimeError(
                f"the encoder sees {forecaster.context_length} samples, not the context_length of {self.context_length}"
            )
        return self.context_length

    def summary(self, forecaster: "Forecaster", history: list[dict[str, float]]) -> dict[str, Any]:
        """Return what ``training.json`` says."""
        validated = [row for row in history if "validation_wql" in row]
        best = min(validated, key=lambda row: row["validation_wql"], default={})
        return {
            "n_steps": int(history[-1]["step"]) if history else 0,
            "best": {name: best[name] for name in ("step", "validation_wql", "validation_mae")} if validated else None,
            "horizon_method": forecaster.horizon_method,
            "context_seen": self._context_seen(forecaster),
            "n_tokens": forecaster.n_tokens(self.context_length),
            "n_tokens_by_context": {str(length): forecaster.n_tokens(length) for length in self.context_lengths},
            "precision": forecaster.trained_in if history else None,
            "n_parameters": sum(weight.numel() for weight in forecaster.model.parameters()),
            "history": [{name: value for name, value in row.items() if name not in MEASURED} for row in history],
        }


def with_memory(forecaster: Any, file: Path | None) -> "Forecaster":
    """Return a forecaster with modules, which look windows up in a file."""
    if file is not None:
        with input_faults():
            forecaster.remember(Memory.load(file))
    return forecaster


@dataclass(frozen=True)
class Workplace:
    """Where a fine-tune is computed; it pickles to Ray Train's workers."""

    draft: Path
    work: Path
    inputs: dict[str, Path]
    resources: Resources

    @classmethod
    def of(cls, stage: Finetune, draft: Path, context: Context) -> "Workplace":
        inputs = {source.key: context.folder(source) for source in stage.inputs}
        return cls(draft, context.work(), inputs, context.resources)

    def device(self) -> str:
        """Return the device that this worker holds."""
        return held_device(self.resources)


def run_finetune(stage: Finetune, at: Workplace, place: Place, report: "Report") -> None:
    """Do the work of a fine-tune on one worker; the first one writes the result."""
    device = at.device()
    prepared = Prepared.open(at.inputs[stage.prepared.key], stage.prepared)
    meta = stage.known(prepared)
    forecaster = stage.start_forecaster(at)
    before = None if stage.before is None else read_labels(at.inputs[stage.before.key] / LABELS)
    data = FoldData(stage, prepared, meta, place, before)
    kept = kept_adapter(stage) if place == ALONE else None
    if kept is not None:
        history = put_adapter(forecaster.to(device), stage.training, stage.seed, kept)
        _save(stage, forecaster, data, device, at.draft)
        if not is_as_it_was(at.draft, kept):  # on another device, say
            print("what was kept of it does not give the weights that it had; it is trained anew", flush=True)
            shutil.rmtree(at.draft / "predictor")
            forecaster, kept = stage.start_forecaster(at), None
    if kept is None:
        history = [] if stage.labels == "none" else fitted(stage, forecaster, data, at, report)
    if place.rank == 0:
        if kept is None:
            _save(stage, forecaster, data, device, at.draft)
        write_adapter(stage, forecaster, history, at.draft)
        tested = meta[meta["side"] == "test"]
        even = (lambda count: ()) if data._of("train").empty else data.even  # untrained ones may have no series
        measured = Measured(stage, forecaster.to(device), prepared, tested, even, device, at.work)
        write_json(at.draft / "skill.json", measured.skill())
        write_json(at.draft / FORECASTS, measured.forecasts())
        write_json(at.draft / "training.json", stage.summary(forecaster, history) | measured.retrieval())
        write_curves(at.draft / CURVES, history)


def _save(stage: Finetune, forecaster: "Forecaster", data: FoldData, device: str, draft: Path) -> None:
    """Write ``predictor/``, once its intervals are calibrated and it is known to read no names."""
    if stage.training.conformal and stage.labels != "none":
        _calibrate(forecaster.to(device), data)
    if data.has_training:
        check_names_unread(forecaster.to(device), next(iter(data.even(1))))
    forecaster.save(draft / "predictor")
    save_offsets(forecaster, draft / "predictor")


def _calibrate(forecaster: "Forecaster", data: FoldData) -> None:
    """Let a forecaster's intervals cover on validation motors what they say."""
    windows = data.validation()
    if windows is None:
        raise ValueError(
            f"fold {data.stage.fold} has no validation motors for conformal offsets; let the split have some "
            "(split.validation), or set finetune.conformal to false"
        )
    with input_faults():
        calibrate(forecaster, windows, data.stage.training.conformal == "by_window")


def fitted(stage: Finetune, forecaster: "Forecaster", data: FoldData, at: Workplace, report: "Report") -> History:
    """Let a forecaster learn, in place, and return its curves."""
    with LiveCurves(at.work / CURVES) as curves:

        def note(row: dict[str, float]) -> None:
            curves.add(row)
            report({"of": stage.training.num_steps, **row})

        given = (stage.training, stage.seed, at.work, note, at.device(), data.place, stage.micro_batch)
        trainer = Trainer(*given)
        if not stage.backbone.CLOSED_FORM:
            return forecaster.fit(data, trainer)
        with input_faults():  # what cannot be solved is a fault of the data
            return forecaster.fit(data, trainer)
