"""The training loop of every forecaster: exact under the same seed, and exact when it is taken up again.

Shapes: B windows, T context, H horizon, Q quantiles.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field

from motor.backbones.forecaster import MEDIAN, Forecaster
from motor.registry import Record

if TYPE_CHECKING:
    import torch
    from torch import Tensor

CHECKPOINT = "checkpoint.pt"
Report = Callable[[dict[str, float]], None]


class TrainingError(RuntimeError):
    """Training cannot go on: the loss is not finite, the data ended, or a checkpoint is of another run."""


class Training(Record):
    """How a forecaster is trained; the defaults are those of the task's description."""

    num_steps: int = Field(default=10_000, ge=0, description="steps of AdamW, at most")
    learning_rate: float = Field(default=5e-5, gt=0, description="its peak, after the rise; then it falls to 0")
    batch_size: int = Field(default=8, ge=1, description="windows a step")
    warmup_ratio: float = Field(default=0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    weight_decay: float = Field(default=0.0, ge=0, description="of matrices; vectors (norms, biases) do not decay")
    gradient_clip: float = Field(default=1.0, gt=0, description="largest norm of a step's gradient")
    dropout_rate: float = Field(default=0.1, ge=0, lt=1, description="of the backbone, in training alone")
    validate_every: int = Field(default=500, ge=1, description="steps between validations; the best weights are kept")
    patience: int | None = Field(default=5, ge=1, description="validations without a better one; null never stops")
    trainable_blocks: int | None = Field(default=None, ge=0, description="last encoder blocks to train; null is all")
    checkpoint_every: int = Field(
        default=500, ge=1, exclude=True, description="steps between checkpoints, from which a killed fine-tune goes on"
    )
    log_every: int = Field(default=50, ge=1, exclude=True, description="steps between points of the loss curve")


class Batch(NamedTuple):
    """Windows as arrays or tensors: context (B, T), future (B, H), domain (B,); `windows` numbers them in messages."""

    context_BT: "Tensor | np.ndarray"
    future_BH: "Tensor | np.ndarray"
    domain_B: "Tensor | np.ndarray"
    windows: "np.ndarray | list | None" = None


def train(
    forecaster: Forecaster,
    batches: Callable[[int], Iterator[Batch]],
    validation: Callable[[], Iterable[Batch]] | None,
    settings: Training,
    seed: int,
    checkpoint_folder: Path | None,
    report: Report,
    device: str = "cpu",
) -> list[dict[str, float]]:
    """Train a forecaster in place; with validation, it ends with the weights of the best validation.

    Called again with the same arguments after it was killed, it goes on from the last checkpoint and ends with
    the same weights to the bit (on a CPU with the same number of threads).

    Parameters
    ----------
    forecaster : Forecaster
    batches : callable
        ``batches(step)`` gives the batches of step `step` (from 0) and all that follow.
    validation : callable or None
        Gives the validation batches, the same each time. They are gone through before the first step, each
        `validate_every` steps and at the end; the best is the one with the least WQL, which may be the first.
    settings : Training
    seed : int
        Of dropout: what is dropped in step n depends on `seed` and n alone.
    checkpoint_folder : Path or None
        Where checkpoints are kept; None keeps none.
    report : callable
        Called with each row of the history as it comes.
    device : str
        As torch names it.

    Returns
    -------
    list of dict
        Rows with `step` and, each `log_every` steps, `loss` (mean since the last row), `learning_rate`,
        `gradient_norm` (before clipping), and after a validation `validation_wql` and `validation_mae`.

    Raises
    ------
    TrainingError
        If a loss or gradient is not finite, `batches` ends early, or the checkpoint is of other settings.
    """
    import torch

    forecaster.to(device).set_dropout(settings.dropout_rate)
    if settings.trainable_blocks is not None:
        forecaster.train_only_last(settings.trainable_blocks)
    run = _Run(forecaster, settings, seed, report, validation)
    file = checkpoint_folder / CHECKPOINT if checkpoint_folder else None
    if file and file.is_file():
        run.restore(file)
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        run.go(batches, file)
    return run.history


def learning_rate_at(step: int, settings: Training) -> float:
    """Return the rate of step `step` (from 0): a linear rise, then a linear fall that would reach 0 at `num_steps`."""
    warmup = round(settings.warmup_ratio * settings.num_steps)
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    return settings.learning_rate * (settings.num_steps - step) / (settings.num_steps - warmup)


def validate(forecaster: Forecaster, batches: Iterable[Batch]) -> dict[str, float]:
    """Score forecasts of one pass on windows with known futures.

    Returns
    -------
    dict
        `validation_wql`: weighted quantile loss, for each level twice the summed pinball loss over the summed
        absolute value, averaged over `quantile_levels` (Ansari et al. 2024, "Chronos: Learning the Language of
        Time Series", appendix D); `validation_mae`: mean absolute error of the median, in the windows' units.
    """
    import torch

    absolute, error, count = 0.0, 0.0, 0
    levels_Q = torch.tensor(forecaster.quantile_levels, dtype=torch.float64, device=forecaster.device)
    pinball_Q = torch.zeros_like(levels_Q)
    median = forecaster.quantile_levels.index(MEDIAN)
    for batch in batches:
        context_BT, future_BH, domain_B = _tensors(batch)
        quantiles_BHQ = forecaster.predict_one_pass(context_BT, domain_B)
        y_BH1 = future_BH[:, : quantiles_BHQ.shape[1], None].to(forecaster.device).float()
        measured_BH = ~y_BH1[..., 0].isnan()
        miss_NQ = (y_BH1 - quantiles_BHQ)[measured_BH].double()
        pinball_Q += torch.maximum(levels_Q * miss_NQ, (levels_Q - 1) * miss_NQ).sum(dim=0)
        absolute += float(y_BH1[measured_BH].abs().double().sum())
        error += float(miss_NQ[:, median].abs().sum())
        count += len(miss_NQ)
    if not absolute:
        raise TrainingError(f"validation has {count} samples that are not missing, and all are 0; it cannot be scored")
    return {"validation_wql": float((2 * pinball_Q / absolute).mean()), "validation_mae": error / count}


@dataclass
class _Run:
    """One training: what changes from step to step, and what a checkpoint therefore holds."""

    forecaster: Forecaster
    settings: Training
    seed: int
    report: Report
    validation: Callable[[], Iterable[Batch]] | None
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)  # since the last row of the history
    best_wql: float = math.inf
    best_weights: "dict[str, Tensor]" = field(default_factory=dict)
    stale_validations: int = 0

    def __post_init__(self) -> None:
        named = self.forecaster.model.named_parameters()
        self.weights = {name: weight for name, weight in named if weight.requires_grad}
        self.optimizer = _optimizer(list(self.weights.values()), self.settings)

    def go(self, batches: Callable[[int], Iterator[Batch]], file: Path | None) -> None:
        """Do the steps that are left, and end in evaluation mode with the best weights."""
        if self.step == 0 and not self.history and self.validation:
            self._log(self._validate())
        stream = batches(self.step) if self._goes_on() else iter(())
        while self._goes_on():
            gradient_norm = self._take_step(stream)
            if self._is_due(self.settings.log_every) or self._validates():
                row = {"loss": float(np.mean(self.losses)), "gradient_norm": gradient_norm}
                row["learning_rate"] = learning_rate_at(self.step - 1, self.settings)
                self._log(row | (self._validate() if self._validates() else {}))
            if file and (self._is_due(self.settings.checkpoint_every) or not self._goes_on()):
                self.save(file)
        if self.best_weights:
            self._copy_into_model(self.best_weights)
        self.forecaster.model.eval()

    def save(self, file: Path) -> None:
        """Write a checkpoint beside the last one, then put it in its place."""
        import torch

        names = ["step", "history", "losses", "best_wql", "best_weights", "stale_validations"]
        state = {name: getattr(self, name) for name in names}
        state |= {"of": self._identity(), "weights": self.weights, "optimizer": self.optimizer.state_dict()}
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        with draft.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)

    def restore(self, file: Path) -> None:
        """Take up a checkpoint; one of other settings is an error."""
        import torch

        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        of, identity = state.pop("of"), self._identity()
        if of != identity:
            unequal = {key: (of.get(key), value) for key, value in identity.items() if of.get(key) != value}
            raise TrainingError(f"{file} is of another training: (its, this one's) {unequal}; delete it to start anew")
        self._copy_into_model(state.pop("weights"))
        self.optimizer.load_state_dict(state.pop("optimizer"))
        for name, value in state.items():
            setattr(self, name, value)

    def _take_step(self, stream: Iterator[Batch]) -> float:
        """Do one step and return the gradient's norm before clipping."""
        import torch

        batch = next(stream, None)
        if batch is None:
            raise TrainingError(f"the training data ended at step {self.step} of {self.settings.num_steps}")
        self.forecaster.model.train()
        torch.manual_seed(int(np.random.SeedSequence([self.seed, self.step]).generate_state(1, np.uint64)[0] >> 1))
        loss = self.forecaster.loss(*_tensors(batch))
        loss.backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self.weights.values(), self.settings.gradient_clip))
        if not math.isfinite(norm + loss.item()):
            windows = "" if batch.windows is None else f" on windows {np.asarray(batch.windows).tolist()}"
            raise TrainingError(
                f"step {self.step}: loss is {loss.item()}, gradient norm {norm}{windows}; "
                "look at these windows for extreme values, or lower learning_rate"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(self.step, self.settings)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.losses.append(loss.item())
        self.step += 1
        return norm

    def _validate(self) -> dict[str, float]:
        """Score the model and remember it if it is the best so far."""
        assert self.validation is not None
        self.forecaster.model.eval()
        scores = validate(self.forecaster, self.validation())
        if scores["validation_wql"] < self.best_wql:
            self.best_wql, self.stale_validations = scores["validation_wql"], 0
            self.best_weights = {name: weight.detach().cpu().clone() for name, weight in self.weights.items()}
        else:
            self.stale_validations += 1
        return scores

    def _log(self, row: dict[str, float]) -> None:
        self.history.append({"step": self.step} | row)
        self.losses = []
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
        return self.settings.model_dump() | {"seed": self.seed, "weights": shapes}

    def _copy_into_model(self, weights: "dict[str, Tensor]") -> None:
        import torch

        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(weights[name])


def _optimizer(weights: "list[Tensor]", settings: Training) -> "torch.optim.Optimizer":
    """AdamW; `fused` is fixed because the other implementations give other bits."""
    import torch

    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _tensors(batch: Batch) -> "tuple[Tensor, Tensor, Tensor]":
    """Return context, future and domain as tensors; read-only arrays are copied, of which torch would warn."""
    import torch

    arrays = [
        np.array(part) if isinstance(part, np.ndarray) and not part.flags.writeable else part for part in batch[:3]
    ]
    context, future, domain = (torch.as_tensor(array) for array in arrays)
    return context, future, domain.long()
