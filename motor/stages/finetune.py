"""Stage `finetune`: from a backbone to `predictor/`, by Ray Train."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from grid.stage import Context, Stage, after, beside
from grid.store import write_json
from motor.backbones.base import Backbone
from motor.backbones.training import Batch, Training, train
from motor.features.skill import forecast_skill, skill_columns
from motor.stages.faults import input_faults
from motor.stages.prepare import Prepare, Prepared
from motor.windows.augmentations.base import Augmentation
from motor.windows.cutting import FixedWindows, WindowStream
from motor.windows.streaming import ray_batches

if TYPE_CHECKING:
    import pandas as pd

    from motor.backbones.forecaster import Forecaster

ONLY = "only "  # before a class: trained on its series alone
VALIDATION_WINDOWS = 2  # even windows a series
SKILL_WINDOWS = 4
FITTED_WINDOWS = 16  # even windows a series that a closed form is solved on


@dataclass(frozen=True)
class Finetune(Stage):
    """Train a forecaster on the training motors of one fold: on normal series, on all, or on ``only <class>``.

    With two or more `domains` the forecaster is told which one a window is from (see `docs/domain.md`).
    """

    KIND: ClassVar[str] = "finetune"

    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    labels: str
    context_length: int
    prediction_length: int
    quantile_levels: tuple[float, ...]
    backbone: Backbone
    weights_digest: str | None
    training: Training
    windows_per_series: int
    augmentations: dict[str, tuple[Augmentation, ...]]  # by domain
    seed: int
    start: "Finetune | None" = None
    regime: str = beside(default="")
    stream: str = beside(default="memory_map")
    batch_size: int = beside(default=32)
    cleared: tuple[Stage, ...] = after(default=())

    def label(self) -> str:
        trained = f"{self.start.labels}_then_{self.labels}" if self.start else self.labels
        return f"{trained.replace(' ', '_')}-{self.place()}"

    def place(self) -> str:
        """Return the rest of its name: domain, representation, context and fold."""
        heard = self.prepared.representation.kind
        regime = self.regime if heard == "raw" else f"{self.regime}-{heard}"
        return f"{regime}-ctx{self.context_length}-fold{self.fold}"

    def build(self, folder: Path, context: Context) -> None:
        """Write ``predictor/`` (stock format), ``training.json`` and ``skill.json``."""
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        meta = prepared.meta(self.fold, self.domains)
        device = one_device(context)
        forecaster = self._start(context)
        history = []
        if self.backbone.CLOSED_FORM and self.labels != "none":
            self._solve(forecaster, prepared, meta)
        elif self.labels != "none":
            history = self._train(forecaster, prepared, meta, device, context)
        forecaster.save(folder / "predictor")
        skill = self._skill(forecaster.to(device), prepared, meta[meta["side"] == "test"])
        write_json(folder / "skill.json", skill)
        write_json(folder / "training.json", self._summary(forecaster, history))
        write_curves(folder / "tensorboard", history)

    def _start(self, context: Context) -> "Forecaster":
        if self.start is not None:
            return self.backbone.load(context.folder(self.start) / "predictor", self.domains)
        return self.backbone.create(
            self.context_length,
            self.prediction_length,
            self.quantile_levels,
            self.training.dropout_rate,
            self.domains,
            self.seed,
        )

    def _solve(self, forecaster: Any, prepared: Prepared, meta: "pd.DataFrame") -> None:
        """Fit a forecaster that has a closed form, on even windows of the training series."""
        with input_faults():
            training = meta[self._is_trained_on(meta) & (meta["side"] == "train")]
            windows = self._fixed(prepared, training, FITTED_WINDOWS)
            forecaster.fit(lambda: self._fixed_batches(windows))

    def _train(
        self, forecaster: "Forecaster", prepared: Prepared, meta: "pd.DataFrame", device: str, context: Context
    ) -> list[dict[str, float]]:
        with input_faults():
            stream = self._stream(prepared, meta[self._is_trained_on(meta) & (meta["side"] == "train")])
            held_out = meta[self._is_trained_on(meta) & (meta["side"] == "validation")]
            validation = self._fixed(prepared, held_out, VALIDATION_WINDOWS) if len(held_out) else None

        def loop() -> list[dict[str, float]]:
            return train(
                forecaster,
                lambda step: self._batches(stream, step),
                (lambda: self._fixed_batches(validation)) if validation else None,
                self.training,
                self.seed,
                context.work(),
                lambda row: context.report(**{"of": self.training.num_steps, **row}),
                device,
            )

        return in_ray_train(loop, device)

    def _is_trained_on(self, meta: "pd.DataFrame") -> "pd.Series":
        """Tell which series the labels allow."""
        if self.labels == "all":
            return meta["label"].notna()
        return meta["label"] == (self.labels.removeprefix(ONLY) if ONLY in self.labels else self.prepared.normal)

    def _stream(self, prepared: Prepared, meta: "pd.DataFrame") -> WindowStream:
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
        )

    def _fixed(self, prepared: Prepared, meta: "pd.DataFrame", count: int) -> FixedWindows:
        length = self.context_length + self.prediction_length
        return FixedWindows(prepared.recordings, prepared.series(meta, self.fold), self.domains, length, count)

    def _batches(self, stream: WindowStream, first_step: int) -> Iterator[Batch]:
        size = self.training.batch_size
        first, end = first_step * size, self.training.num_steps * size
        if self.stream == "ray_data":
            source: Iterable[dict[str, np.ndarray]] = ray_batches(stream, first, end, size)
        else:
            source = stream.batches(first, end, size)
        return (self._batch(cut, cut["number"]) for cut in source)

    def _fixed_batches(self, windows: FixedWindows) -> Iterator[Batch]:
        return (self._batch(cut, None) for cut in windows.batches(self.batch_size))

    def _batch(self, cut: dict[str, np.ndarray], numbers: np.ndarray | None) -> Batch:
        context_BT, future_BH = np.split(cut["window"], [self.context_length], axis=1)
        return Batch(context_BT, future_BH, cut["domain"], numbers)

    def _skill(self, forecaster: "Forecaster", prepared: Prepared, meta: "pd.DataFrame") -> list[dict[str, Any]]:
        """Error over the mean forecast's, on series that no training saw, by class and segment."""
        import pandas as pd
        import torch

        windows = self._fixed(prepared, meta, SKILL_WINDOWS)
        frames = []
        for cut in windows.batches(self.batch_size):
            context_BT, y_BH = np.split(cut["window"], [self.context_length], axis=1)
            quantiles_BHQ = forecaster.predict_quantiles(torch.as_tensor(context_BT), torch.as_tensor(cut["domain"]))
            median_BH = quantiles_BHQ[..., self.quantile_levels.index(0.5)].cpu().numpy()
            columns = skill_columns(y_BH, median_BH, context_BT)
            frames.append(pd.DataFrame(columns, index=window_index(windows, cut)))
        return forecast_skill(pd.concat(frames), meta, by=("domain", "label")).to_dict("records")

    def _context_seen(self, forecaster: "Forecaster") -> int:
        """Return the samples that the encoder sees, which must be all of the context: a shorter one is a sham."""
        if forecaster.context_length < self.context_length:
            raise RuntimeError(
                f"the encoder sees {forecaster.context_length} samples, not the context_length of {self.context_length}"
            )
        return self.context_length

    def _summary(self, forecaster: "Forecaster", history: list[dict[str, float]]) -> dict[str, Any]:
        validated = [row for row in history if "validation_wql" in row]
        best = min(validated, key=lambda row: row["validation_wql"], default={})
        return {
            "n_steps": int(history[-1]["step"]) if history else 0,
            "best": {name: best[name] for name in ("step", "validation_wql", "validation_mae")} if validated else None,
            "horizon_method": forecaster.horizon_method,
            "context_seen": self._context_seen(forecaster),
            "n_tokens": forecaster.n_tokens(self.context_length),
            "n_parameters": sum(weight.numel() for weight in forecaster.model.parameters()),
            "history": history,
        }


def window_index(windows: FixedWindows, cut: dict[str, np.ndarray]) -> "pd.MultiIndex":
    """Return the items and window numbers of a batch of fixed windows."""
    import pandas as pd

    items = [windows.series[place].item for place in cut["item"]]
    return pd.MultiIndex.from_arrays([items, cut["window_index"]], names=["item", "window"])


def in_ray_train(loop: Callable[[], list[dict[str, float]]], device: str) -> list[dict[str, float]]:
    """Run a training loop under Ray Train, in this process where a trial already holds the device.

    With `num_workers=0` Ray Train starts no processes of its own (a nested worker group costs 12 to 18 s on
    two cores); checkpoints are the loop's, in the stage's work folder.
    """
    from ray.train import ScalingConfig
    from ray.train.torch import TorchTrainer

    result = TorchTrainer(loop, scaling_config=ScalingConfig(num_workers=0, use_gpu=device != "cpu")).fit()
    return result.return_value


def one_device(context: Context) -> str:
    """Return the device that a stage holds, and keep torch to the CPUs that it holds."""
    import torch

    torch.set_num_threads(max(1, int(context.resources.cpus)))
    if not context.resources.gpus:
        return "cpu"
    if not torch.cuda.is_available():
        raise RuntimeError(
            "a GPU was asked for (resources.*.gpus), but torch sees none on this node; install a CUDA build"
        )
    return "cuda"


def write_curves(folder: Path, history: list[dict[str, float]]) -> None:
    """Write a history as TensorBoard scalars."""
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(folder), write_to_disk=True) as writer:
        for row in history:
            for name, value in row.items():
                if name != "step":
                    writer.add_scalar(f"finetune/{name}", value, int(row["step"]))


def read_training(folder: Path) -> dict[str, Any]:
    """Return ``training.json`` of a built fine-tune."""
    return json.loads((folder / "training.json").read_text(encoding="utf-8"))
