"""A forecaster: a network with its context, horizon, quantile levels and domains, and the same calls for all.

What a new one has to say: how it forecasts (`_pass`), how it is written to a folder (`save`), how long its context is,
and, where it has them, its encoder's hidden states (`_embed`) and its blocks. `motor.backbones.torch_forecaster` says
all of this for a torch module.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D embedding.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from motor.backbones.batch import Batch, check_domains
from motor.backbones.blocks import Blocks
from motor.backbones.conformal import difficulty
from motor.backbones.forecast import MEDIAN, Forecast, ForecastError, loc_scale, positions_of
from motor.backbones.objectives.base import Objective, terms_of
from motor.backbones.objectives.quantile import Quantile
from motor.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor

    from motor.backbones.training.trainer import History, Trainer, TrainingData

SIDECAR = "forecaster.json"
DEFAULT_OBJECTIVES: tuple[Objective, ...] = (Quantile(),)


class Forecaster(ABC):
    """A network with its context, horizon and domains; the same calls for every kind.

    Attributes
    ----------
    model : torch.nn.Module
        All that is trained, saved in checkpoints and moved to devices. What comes frozen (no `requires_grad`) stays
        frozen.
    context_length, prediction_length : int
        Samples seen and forecast.
    quantile_levels : tuple of float
        Levels that `predict_quantiles` returns; a subset of the model's own, `model_levels`.
    native_length : int
        Samples that one pass forecasts; shorter than `prediction_length` only where the horizon is rolled out.
    horizon_method : str
        How the model came to `prediction_length`, for the record.
    domains : tuple of str
        With two or more, the model knows each window's domain.
    sees_together : bool
        Windows of one group see one another; else each window is forecast alone, whatever its batch.
    leaves_own_motor_out : bool
        A window's motor is read, to leave out what is remembered of it; else no answer may follow from a name
        (`motor.backbones.names`).
    """

    sees_together: ClassVar[bool] = False
    leaves_own_motor_out: ClassVar[bool] = False
    horizon_method: str = "native"

    def __init__(
        self, model: Any, prediction_length: int, quantile_levels: tuple[float, ...], domains: tuple[str, ...]
    ) -> None:
        self.model = model
        self.prediction_length = prediction_length
        self.quantile_levels = tuple(quantile_levels)
        self.domains = tuple(domains)
        self._level_positions = positions_of(self.quantile_levels, self.model_levels)
        self.offsets_NGQ: Tensor | None = None  # of `motor.backbones.conformal`: by domain, group of windows and level
        self.offset_edges_NG: Any = None  # between the groups
        self.trained_in: str | None = None  # what the training loop multiplied, once it was run
        self.frozen_for_lora: list[Any] = []  # weights that `motor.backbones.lora.merge` frees again
        self.learned_beside: dict[str, Tensor] = {}  # what LoRA's training has learned, as it was before the merge
        self.model.eval()

    @property
    @abstractmethod
    def context_length(self) -> int:
        """The longest context, in samples."""

    @property
    def model_levels(self) -> tuple[float, ...]:
        """The levels that the model forecasts, in the order of `Forecast.quantiles_BHQ`."""
        return self.quantile_levels

    @property
    def native_length(self) -> int:
        """Samples that one pass forecasts."""
        return self.prediction_length

    @property
    def patch(self) -> int:
        """Samples of a token."""
        return 1

    @property
    def is_told(self) -> bool:
        """Whether the model knows each window's domain."""
        return len(self.domains) >= 2

    @property
    def n_told(self) -> int:
        """The domains that it tells apart: one where it knows none."""
        return len(self.domains) if self.is_told else 1

    @property
    def device(self) -> "torch.device":
        """Where the model is."""
        return next(self.model.parameters()).device

    def n_tokens(self, context_length: int) -> int:
        """Return how many tokens `embed` gives for a context of so many samples."""
        return math.ceil(context_length / self.patch)

    @abstractmethod
    def _pass(self, batch: Batch, length: int) -> Forecast:
        """Forecast `length` samples, at most `native_length`, at the model's own levels.

        In training `batch.future_BH` has as many samples, for losses of the model's own; to forecast it is None.
        """

    def _rolled_out(self, batch: Batch) -> "Tensor":
        """Forecast `prediction_length` samples where one pass reaches less far: (B, H, Q), unsorted."""
        raise NotImplementedError(f"{type(self).__name__} forecasts its whole horizon in one pass")

    def _embed(self, batch: Batch) -> "Tensor":
        """Last hidden states of the encoder: (B, L, D)."""
        raise NotImplementedError(f"{type(self).__name__} has no encoder to embed with; take its residuals as features")

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write all that its backbone's `load` needs; LoRA's factors are merged before."""

    def blocks(self) -> Blocks:
        """Return the parts that are frozen, adapted, recomputed or compiled by themselves; by default there are none.

        Where there are none, only a fine-tune of all weights can be asked for.
        """
        return Blocks()

    def fit(self, data: "TrainingData", trainer: "Trainer") -> "History":
        """Learn from training windows, in place; by default by the training loop.

        A closed form, or the loop and then something more (a memory that is filled), are others. With several workers
        each calls it, and all must end with the same weights.

        Returns
        -------
        list of dict
            The curves: rows with `step`; none where no steps are taken.
        """
        return trainer.run(self, data)

    def as_in_loss(self, values: "Tensor", batch: Batch) -> "Tensor | None":
        """Return values of a batch, (B, H) or (B, H, Q), as the model's own quantile loss measures them.

        None, the default: what it computes as that loss (see `Forecast.quantile_loss`) is no pinball loss.
        """
        return None

    def looked_up(self, batch: Batch) -> "tuple[Tensor, Tensor] | None":
        """Return what a memory says of windows: mean squared distance of the neighbours, (B,), and their forecast,
        (B, H), in the batch's units; None where there is no memory."""
        return None

    def begin_with(self, forecasters: "Sequence[Forecaster]") -> None:
        """Take what others learned, in the order of the backbone's `begins_with`, before `fit` is called."""
        raise NotImplementedError(f"{type(self).__name__} begins with no other forecaster")

    def training_shortcuts(self, batch: Batch) -> AbstractContextManager[Any]:
        """Return a context in which a training step takes less time (with ``precision: mixed``)."""
        return nullcontext()

    def answering_shortcuts(self) -> AbstractContextManager[Any]:
        """Return a context in which it predicts and embeds in less time, and the same."""
        return nullcontext()

    @contextmanager
    def tokens_seen(self) -> Iterator[list[int]]:
        """List how many tokens the encoder really sees in each pass; by default it is not known."""
        yield []

    def to(self, device: "str | torch.device") -> "Forecaster":
        """Move the model to a device and return the forecaster."""
        self.model.to(device)
        return self

    def loss(self, batch: Batch, objectives: Sequence[Objective] = DEFAULT_OBJECTIVES) -> "Tensor":
        """Return what a batch is trained on: the weighted sum of its objectives (see `losses`)."""
        return sum_of(self.losses(batch, objectives))

    def losses(
        self, batch: Batch, objectives: Sequence[Objective] = DEFAULT_OBJECTIVES
    ) -> "dict[str, tuple[float, Tensor]]":
        """Return the weight and the value of each loss of a batch, by name.

        Parameters
        ----------
        batch : Batch
            NaN is a missing sample, and in the future not in the loss. Where the horizon is rolled out, what lies
            past `native_length` is left out. `group_B` None leaves each window alone.
        objectives : sequence of Objective

        Raises
        ------
        ValueError
            If the inputs' shapes do not fit, or groups are given where the forecaster does not see them together.
        """
        checked = self._checked(batch)
        if checked.future_BH is None:
            raise ValueError("a batch without its future has no loss; give future_BH")
        future_BH = checked.future_BH[:, : self.native_length]
        checked = checked._replace(future_BH=future_BH)
        forecast = self._pass(checked, future_BH.shape[1])._replace(levels=self.model_levels)
        return terms_of(objectives, forecast, checked)

    def predict_quantiles(self, batch: Batch) -> "Tensor":
        """Forecast `prediction_length` samples at `quantile_levels`; the batch's future is not looked at.

        The quantiles of each time step are sorted, which keeps them from crossing and never moves them away from
        the true ones (rearrangement; Chernozhukov, Fernandez-Val and Galichon 2010, Econometrica 78, 1093-1125).
        Sorted are the model's own levels, of which the asked ones are taken.

        Returns
        -------
        Tensor of shape (n_windows, prediction_length, n_levels), float32, on the model's device

        Raises
        ------
        RuntimeError
            If the model is in training mode, where dropout would stay on.
        ForecastError
            If a forecast is not finite.
        """
        if self.native_length >= self.prediction_length:
            return self.predict_one_pass(batch)
        return self._sorted(batch, self._rolled_out)

    def forecast(self, batch: Batch) -> Forecast:
        """Return all that one pass says of a batch: sorted quantiles at `quantile_levels`, and what else it `gives`.

        Where the horizon is rolled out, it is no further than one pass reaches. The batch's future is not looked at.

        Raises
        ------
        RuntimeError
            If the model is in training mode.
        """
        found: list[Forecast] = []

        def quantiles(checked: Batch) -> "Tensor":
            found.append(self._pass(checked, min(self.native_length, self.prediction_length)))
            return found[0].quantiles_BHQ

        quantiles_BHQ = self._sorted(batch, quantiles)
        return found[0]._replace(quantiles_BHQ=quantiles_BHQ, levels=self.quantile_levels)

    def predict_one_pass(self, batch: Batch) -> "Tensor":
        """As `predict_quantiles`, but no further than one pass reaches, which is `native_length` samples."""
        length = min(self.native_length, self.prediction_length)
        return self._sorted(batch, lambda checked: self._pass(checked, length).quantiles_BHQ)

    def embed(self, batch: Batch) -> "Tensor":
        """Return the encoder's last hidden states, token by token from the oldest on.

        Asked for only where the backbone `gives` an ``embedding``.

        Returns
        -------
        Tensor of shape (n_windows, n_tokens(context), d_model), float32, on the model's device

        Raises
        ------
        RuntimeError
            If the model is in training mode.
        """
        self._assert_evaluating()
        checked = self._checked(batch)._replace(future_BH=None)
        with torch.inference_mode():
            return self._embed(checked).float()

    def train_only_last(self, n_blocks: int) -> "Forecaster":
        """Freeze what comes before the last encoder blocks (see `Blocks`).

        Raises
        ------
        ValueError
            If the encoder has fewer blocks.
        """
        self.blocks().freeze_all_but_last(n_blocks)
        return self

    def set_dropout(self, rate: float) -> None:
        """Set the rate of every dropout in the model; LoRA's factors have a rate of their own."""
        for name, module in self.model.named_modules():
            if ".lora_dropout." in name:
                continue
            if isinstance(module, torch.nn.Dropout):
                module.p = rate
            elif isinstance(getattr(module, "dropout", None), float):
                module.dropout = rate

    def _sorted(self, batch: Batch, forecast: Any) -> "Tensor":
        """Forecast by ``forecast(checked)``, and return the asked levels, sorted and finite."""
        self._assert_evaluating()
        checked = self._checked(batch)._replace(future_BH=None)
        with torch.inference_mode():
            quantiles_BHQ = forecast(checked).to(self.device).float().sort(dim=-1).values
            quantiles_BHQ = quantiles_BHQ[..., self._level_positions]
            if self.offsets_NGQ is not None:
                quantiles_BHQ = self._widened(quantiles_BHQ, checked)
            broken_B = ~quantiles_BHQ.isfinite().flatten(1).all(dim=1)
        if broken_B.any():
            raise ForecastError(
                f"forecast is not finite for {int(broken_B.sum())} of {len(broken_B)} windows, rows "
                f"{broken_B.nonzero().flatten().tolist()[:10]}; the weights have diverged, or the input is not scaled"
            )
        return quantiles_BHQ

    def _widened(self, quantiles_BHQ: "Tensor", batch: Batch) -> "Tensor":
        """Return quantiles with each window's conformal offsets, in its context's deviations, sorted.

        None crosses the median, which stays.
        """
        assert self.offsets_NGQ is not None
        _, scale_B1 = loc_scale(batch.context_BT)
        domain_B = batch.domain_B if self.is_told else torch.zeros_like(batch.domain_B)
        group_B = torch.zeros_like(domain_B)
        if self.offset_edges_NG.shape[1]:
            hard_B1 = difficulty(self, batch)[:, None]
            group_B = (hard_B1 >= self.offset_edges_NG.to(self.device)[domain_B]).sum(dim=1)
            scale_B1 = scale_B1 * hard_B1
        offset_BQ = self.offsets_NGQ.to(self.device)[domain_B, group_B] * scale_B1
        moved_BHQ = quantiles_BHQ + offset_BQ[:, None]
        middle = self.quantile_levels.index(MEDIAN)
        median_BH1 = quantiles_BHQ[..., middle : middle + 1]
        is_below_Q = torch.arange(len(self.quantile_levels), device=self.device) <= middle
        kept_BHQ = torch.where(is_below_Q, moved_BHQ.minimum(median_BH1), moved_BHQ.maximum(median_BH1))
        return kept_BHQ.sort(dim=-1).values

    def _checked(self, batch: Batch) -> Batch:
        """Return the batch as tensors on the model's device; a context that the model would cut is an error."""
        shape = tuple(batch.context_BT.shape)
        if len(shape) != 2 or not 1 <= shape[1] <= self.context_length:
            raise ValueError(
                f"context has shape {shape}; it must be (windows, samples) with at most "
                f"context_length = {self.context_length} samples"
            )
        checked = batch.tensors(self.device)
        if self.is_told:
            check_domains(checked.domain_B, len(self.domains), checked.n_windows)
        if checked.group_B is not None:
            self._check_groups(checked.group_B, checked.n_windows)
        return checked

    def _check_groups(self, group_B: "Tensor", n_windows: int) -> None:
        if not self.sees_together:
            raise ValueError(
                "windows come in groups, but this forecaster sees each window alone; give no groups, or train one "
                "whose backbone sees sensors together, say {kind: chronos2, sensors: together}"
            )
        if group_B.shape != (n_windows,):
            raise ValueError(
                f"group_B has shape {tuple(group_B.shape)} for {n_windows} windows; it must be ({n_windows},)"
            )

    def _assert_evaluating(self) -> None:
        if self.model.training:
            raise RuntimeError("the model is in training mode, where dropout is on; call forecaster.model.eval() first")


def sum_of(losses: "dict[str, tuple[float, Tensor]]") -> "Tensor":
    """Return the weighted sum of losses, in their order."""
    first, *others = (value if weight == 1 else weight * value for weight, value in losses.values())
    for other in others:
        first = first + other
    return first
