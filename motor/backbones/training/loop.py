"""The training loop of every forecaster: exact under the same seed, and exact when it is taken up again.

Validation comes before the first step, each `validate_every` steps and at the end; the best is the one with the least
WQL, which may be the first. Where a worker's share does not fit the memory, gradients of its parts are added up.

The history is a list of rows, each with `step`. Each `log_every` steps a row has `loss` (mean since the last row),
where there are several objectives `loss_<objective>` of each, `learning_rate`, `gradient_norm` (before clipping),
`windows_per_s` (of all workers; validation and checkpoints not counted) and, where gradients are added up,
`micro_batch`; after a validation `validation_wql` and `validation_mae`.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motor.backbones.batch import Batch
from motor.backbones.forecaster import Forecaster
from motor.backbones.lora import adapt, merge
from motor.backbones.training import memory
from motor.backbones.training.average import Average
from motor.backbones.training.checkpoint import CHECKPOINT, take_up, write_checkpoint
from motor.backbones.training.ranks import everyones
from motor.backbones.training.schedule import learning_rate_at
from motor.backbones.training.settings import ALONE, Place, Report, Training, TrainingError
from motor.backbones.training.steps import Step, Steps
from motor.backbones.training.validation import validate
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def train(
    forecaster: Forecaster,
    batches: Callable[[int], Iterator[Batch]],
    validation: Callable[[], Iterable[Batch]] | None,
    settings: Training,
    seed: int,
    checkpoint_folder: Path | None,
    report: Report,
    device: str = "cpu",
    place: Place = ALONE,
    micro_batch: int | None = None,
) -> list[dict[str, float]]:
    """Train a forecaster in place; with validation, it ends with the weights of the best validation.

    Called again after it was killed, it goes on from the last checkpoint and ends with the same weights to the bit;
    what differs between devices, and between numbers of workers, stands at the head of this package.

    Parameters
    ----------
    forecaster : Forecaster
    batches : callable
        ``batches(step)`` gives the batches of step `step` (from 0) and all that follow: this worker's rows.
    validation : callable or None
        Gives the validation batches, the same each time and on each worker.
    settings : Training
    seed : int
        Of dropout: what is dropped depends on `seed`, step, worker and part of the batch alone.
    checkpoint_folder : Path or None
        Where checkpoints are kept, the same for all workers; None keeps none.
    report : callable
        Called with each row of the history as it comes, on worker 0 alone.
    device : str
    place : Place
        With several workers, torch.distributed's default group must be there.
    micro_batch : int or None
        Most windows that one worker computes at once; None is all of its share, or what an earlier start found to fit.

    Returns
    -------
    list of dict
        The history's rows, as the head of this file has them.

    Raises
    ------
    OutOfMemory
        If a step does not fit the memory; called again with a fresh forecaster, training goes on with half as much.
    TrainingError
        If a loss or gradient is not finite, `batches` ends early, the checkpoint is of other settings, or a window is
        too large.
    """
    forecaster.to(device).set_dropout(settings.dropout_rate)
    _free(forecaster, settings, seed)
    fitting = [count for count in (micro_batch, memory.remembered(checkpoint_folder)) if count is not None]
    steps = Steps(forecaster, settings, seed, place, min(fitting, default=None))
    run = _Run(steps, report if place.rank == 0 else lambda row: None, validation)
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        run.finish(batches, checkpoint_folder)
    if settings.lora is not None:
        merge(forecaster)
    return run.history


def _free(forecaster: Forecaster, settings: Training, seed: int) -> None:
    """Choose what is trained; the rest is frozen."""
    if settings.trainable_blocks is not None:
        forecaster.train_only_last(settings.trainable_blocks)
    if settings.lora is not None:
        adapt(forecaster, settings.lora, seed)


class _Run:
    """One training: what changes from step to step, and what a checkpoint therefore holds."""

    def __init__(self, steps: Steps, report: Report, validation: Callable[[], Iterable[Batch]] | None) -> None:
        self.steps, self.report, self.validation = steps, report, validation
        self.forecaster, self.settings, self.weights = steps.forecaster, steps.settings, steps.weights
        self.average = Average(self.weights, self.settings.ema_decay) if self.settings.ema_decay is not None else None
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.losses: list[float] = []  # since the last row of the history
        self.terms: dict[str, list[float]] = {}  # the same of each objective, where there are several
        self.best_wql = math.inf
        self.best_weights: dict[str, Tensor] = {}
        self.stale_validations = 0
        self.n_windows, self.seconds = 0, 0.0  # since the last row, in this start; no checkpoint holds them

    def finish(self, batches: Callable[[int], Iterator[Batch]], folder: Path | None) -> None:
        """Take up the last checkpoint and train to the end; where memory runs out, note what the next start may try."""
        if folder and self.steps.place.rank == 0:
            memory.note_tried(folder, self.steps.tried)
        file = folder / CHECKPOINT if folder else None
        try:
            self.restore(file)
            self.forecaster.trained_in = self.steps.precision
            self.go(batches, file)
        except (RuntimeError, MemoryError) as error:
            if not memory.is_out_of_memory(error):
                raise
            raise memory.halved(folder, self.steps.tried, self.steps.least, self.step) from error

    def go(self, batches: Callable[[int], Iterator[Batch]], file: Path | None) -> None:
        """Do the steps that are left, and end in evaluation mode with the best weights."""
        if self.step == 0 and not self.history and self.validation:
            self._log(self._validate())
        stream = batches(self.step) if self._goes_on() else iter(())
        while self._goes_on():
            step = self._take_step(stream)
            if self._is_due(self.settings.log_every) or self._validates():
                row = self._row(step)
                self._log(row | (self._validate() if self._validates() else {}))
            if file and (self._is_due(self.settings.checkpoint_every) or not self._goes_on()):
                self.save(file)
        self._settle()

    def save(self, file: Path) -> None:
        """Write a checkpoint; with several workers, the first one does."""
        if self.steps.place.rank:
            return
        names = ["step", "history", "losses", "terms", "best_wql", "best_weights", "stale_validations"]
        state = {name: getattr(self, name) for name in names}
        state |= {"weights": self.weights, "optimizer": self.steps.optimizer.state_dict()}
        state["average"] = self.average.weights if self.average else {}
        state["precision"] = self.steps.precision
        write_checkpoint(file, state, self._identity())

    def restore(self, file: Path | None) -> None:
        """Take up the last good checkpoint where there is one, and say so; one of other settings is an error."""
        state = take_up(file, self._identity(), self.steps.place) if file else None
        if state is None:
            self.steps.precision = everyones(self.steps.precision, self.steps.place)[0]
            return
        self.steps.precision = state.pop("precision", self.steps.precision)  # as it began, on whatever machine
        self._copy_into(self.weights, state.pop("weights"))
        self.steps.optimizer.load_state_dict(state.pop("optimizer"))
        self._copy_into(self.average.weights if self.average else {}, state.pop("average"))
        for name, value in state.items():
            setattr(self, name, value)
        if self.steps.place.rank == 0:
            print(f"goes on from step {self.step} of {self.settings.num_steps}", flush=True)  # to the stage's log

    def _take_step(self, stream: Iterator[Batch]) -> Step:
        """Do one step and remember what it came to."""
        began = time.perf_counter()
        batch = next(stream, None)
        if batch is None:
            raise TrainingError(f"the training data ended at step {self.step} of {self.settings.num_steps}")
        step = self.steps.take(batch, self.step)
        if self.average:
            self.average.follow(self.step)
        self.losses.append(step.loss)
        for name, value in step.terms.items():
            self.terms.setdefault(name, []).append(value)
        self.step += 1
        self.n_windows += step.n_windows
        self.seconds += time.perf_counter() - began
        return step

    def _row(self, step: Step) -> dict[str, float]:
        """The figures of the steps since the last row."""
        row = {"loss": float(np.mean(self.losses)), "gradient_norm": step.gradient_norm}
        row |= {f"loss_{name}": float(np.mean(values)) for name, values in self.terms.items()}
        row["learning_rate"] = learning_rate_at(self.step - 1, self.settings)
        row["windows_per_s"] = self.n_windows / self.seconds
        return row if self.steps.micro_batch is None else row | {"micro_batch": self.steps.tried}

    def _validate(self) -> dict[str, float]:
        """Score the model, or its average, and remember it if it is the best so far."""
        assert self.validation is not None
        self.forecaster.model.eval()
        with self.average.in_place() if self.average else nullcontext():
            scores = validate(self.forecaster, self.validation(), self.steps.place, self.steps.micro_batch)
            if scores["validation_wql"] < self.best_wql:
                self.best_wql, self.stale_validations = scores["validation_wql"], 0
                self.best_weights = {name: weight.detach().cpu().clone() for name, weight in self.weights.items()}
            else:
                self.stale_validations += 1
        return scores

    def _settle(self) -> None:
        """End with the weights of the best validation; without validation, with the last ones, or their average."""
        if self.best_weights:
            self._copy_into(self.weights, self.best_weights)
        elif self.average:
            self._copy_into(self.weights, self.average.weights)
        self.forecaster.model.eval()

    def _log(self, row: dict[str, float]) -> None:
        self.history.append({"step": self.step} | row)
        self.losses, self.terms, self.n_windows, self.seconds = [], {}, 0, 0.0
        self.report(dict(self.history[-1]))

    def _is_due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.settings.num_steps

    def _validates(self) -> bool:
        return self.validation is not None and self._is_due(self.settings.validate_every)

    def _goes_on(self) -> bool:
        stopped = self.settings.patience is not None and self.stale_validations >= self.settings.patience
        return self.step < self.settings.num_steps and not stopped

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must agree in to be taken up."""
        shapes = {name: list(weight.shape) for name, weight in self.weights.items()}
        return self.settings.model_dump() | {"seed": self.steps.seed, "weights": shapes}

    @staticmethod
    def _copy_into(weights: "dict[str, Tensor]", values: "dict[str, Tensor]") -> None:
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(values[name])
