"""One step of a training: loss and gradient over all workers and parts of the batch, clipping, AdamW."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from motor.backbones.batch import Batch, largest_group, parts
from motor.backbones.forecaster import Forecaster, sum_of
from motor.backbones.training.checkpointing import checkpoint_gradients
from motor.backbones.training.compiled import Compiled
from motor.backbones.training.precision import precision_used, products_in
from motor.backbones.training.ranks import everyones, exchanging_losses, of_each
from motor.backbones.training.schedule import learning_rate_at, optimizer_of
from motor.backbones.training.settings import Place, Training, TrainingError
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


class Step(NamedTuple):
    """Loss, gradient norm and windows of a step, over all workers."""

    loss: float
    gradient_norm: float  # before clipping
    n_windows: int
    terms: dict[str, float]  # the value of each objective, where there are several


class Steps:
    """Takes the steps of a training.

    Attributes
    ----------
    weights : dict of Tensor
        Those that are trained.
    micro_batch : int or None
        Most windows that this worker computes at once; None is all that it is given.
    tried : int
        Windows that were last computed at once.
    least : int
        Windows of the last batch that cannot be parted.
    precision : {"bfloat16", "float32"}
        What products are computed in: as the first worker measures it, or as the training began.
    """

    def __init__(
        self, forecaster: Forecaster, settings: Training, seed: int, place: Place, micro_batch: int | None
    ) -> None:
        self.forecaster, self.settings, self.seed, self.place = forecaster, settings, seed, place
        self.micro_batch = micro_batch
        self.tried = micro_batch or max(1, settings.batch_size // place.world_size)
        self.least = 1
        named = forecaster.model.named_parameters()
        self.weights = {name: weight for name, weight in named if weight.requires_grad}
        self.optimizer = optimizer_of(list(self.weights.values()), settings)
        self._device = forecaster.device
        self.precision = precision_used(settings, self._device.type, forecaster.model)
        self._compiled = Compiled(forecaster.blocks().repeated) if settings.compile else None
        self._exchanging: Any = None  # made in the first step, which tells what it needs

    def take(self, batch: Batch, step: int) -> Step:
        """Do step `step` (from 0) on this worker's share of its windows.

        Raises
        ------
        TrainingError
            If the loss or the gradient is not finite on any worker, or a worker has no windows.
        """
        self.forecaster.model.train()
        count = self._count(batch, step)
        own_loss, own_terms = self._backward(batch, step, count)
        norm = float(torch.nn.utils.clip_grad_norm_(self.weights.values(), self.settings.gradient_clip))
        loss = sum(of_each(own_loss, self.place, self._device))
        if not math.isfinite(norm + loss):
            raise self._broken(batch, step, own_loss, norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate_at(step, self.settings)
        self.optimizer.step()
        self.optimizer.zero_grad()
        terms = {name: sum(of_each(value, self.place, self._device)) for name, value in own_terms.items()}
        return Step(loss, norm, count, terms)

    def _count(self, batch: Batch, step: int) -> int:
        """Windows of the step, over all workers."""
        own = batch.n_windows
        self.least = largest_group(batch)
        self.tried = min(own, max(self.micro_batch or own, self.least))
        counts = [int(count) for count in of_each(own, self.place, self._device)]
        if 0 in counts:
            raise TrainingError(
                f"step {step}: worker {counts.index(0)} of {len(counts)} has none of its {sum(counts)} windows; "
                f"take at most as many workers as finetune.batch_size = {self.settings.batch_size}"
            )
        return sum(counts)

    def _backward(self, batch: Batch, step: int, count: int) -> tuple[float, dict[str, float]]:
        """Leave the step's gradient in the weights, and return this worker's share of its loss, and of the terms."""
        loss, terms = torch.zeros((), device=self._device), dict[str, float]()
        with self._ways(batch):
            if self.place.world_size > 1 and self._exchanging is None:
                self._exchanging = exchanging_losses(
                    self.forecaster, self.settings.objective, self._has_unused_weights(batch)
                )
            pieces = list(parts(batch, self.micro_batch))
            for number, piece in enumerate(pieces):
                _seed_draws(_dropout_seed(self.seed, step, self.place.rank, number), self._device)
                with self._exchanged(is_last=number == len(pieces) - 1):
                    share_of, losses = piece.n_windows / count, self._losses(piece)
                    share = sum_of(losses) * share_of
                    (share * self.place.world_size).backward()  # what is exchanged is a mean over workers
                loss += share.detach()
                for name, (_, value) in losses.items() if len(losses) > 1 else ():
                    terms[name] = terms.get(name, 0.0) + value.item() * share_of
        return loss.item(), terms

    def _losses(self, piece: Batch) -> "dict[str, tuple[float, Tensor]]":
        with products_in(self.precision, self._device.type):
            if self._exchanging is not None:
                return self._exchanging(piece)
            return self.forecaster.losses(piece, self.settings.objective)

    def _exchanged(self, is_last: bool) -> AbstractContextManager:
        """Exchange gradients between workers once a step, with the last part where they are accumulated."""
        return nullcontext() if is_last or self._exchanging is None else self._exchanging.no_sync()

    def _has_unused_weights(self, batch: Batch) -> bool:
        """Tell by the least possible part of a batch whether the loss depends on all trained weights."""
        sum_of(self._losses(next(parts(batch, 1)))).backward()
        unused = any(weight.grad is None for weight in self.weights.values())
        self.optimizer.zero_grad()
        return unused

    @contextmanager
    def _ways(self, batch: Batch) -> Iterator[None]:
        """What makes a step faster or smaller; between steps the model is the stock one."""
        with ExitStack() as ways:
            if self._compiled is not None:  # shortcuts are made anew for each step, and it would be compiled anew
                ways.enter_context(self._compiled)
            elif self.settings.precision == "mixed":  # float32 draws and multiplies as the stock model does
                ways.enter_context(self.forecaster.training_shortcuts(batch))
            if self.settings.gradient_checkpointing:
                ways.enter_context(checkpoint_gradients(self.forecaster))
            yield

    def _broken(self, batch: Batch, step: int, own_loss: float, norm: float) -> TrainingError:
        """The error of a step that is not finite, the same on every worker: it names the windows of those at fault."""
        windows = [] if batch.windows is None else np.asarray(batch.windows).tolist()
        of_ranks = everyones((own_loss, windows), self.place)
        everyone = list(range(self.place.world_size))
        at_fault = [rank for rank in everyone if not math.isfinite(of_ranks[rank][0])] or everyone
        named = [window for rank in at_fault for window in of_ranks[rank][1]]
        where = f" on windows {named}" if named else ""
        if self.place.world_size > 1:
            where += f" of worker {', '.join(map(str, at_fault))}"
        loss = sum(loss for loss, _ in of_ranks)
        return TrainingError(
            f"step {step}: loss is {loss}, gradient norm {norm}{where}; "
            "look at these windows for extreme values, or lower learning_rate"
        )


def _seed_draws(seed: int, device: "torch.device") -> None:
    """Seed what dropout on a device draws from.

    `torch.manual_seed` notes the whole call stack for every kind of device that the process has never used, which takes
    as long as a tenth of a small model's step.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def _dropout_seed(seed: int, step: int, rank: int, number: int) -> int:
    """Seed of what is dropped: of a step, a worker, and a part of its batch."""
    return int(np.random.SeedSequence([seed, step, rank, number]).generate_state(1, np.uint64)[0] >> 1)
