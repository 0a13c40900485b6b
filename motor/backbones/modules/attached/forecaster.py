"""A forecaster with modules beside it: the same forecasts until they are trained, and the stock folder when saved.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D width of a token.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from motor.backbones.base import seeded
from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.forecast import Forecast
from motor.backbones.forecaster import Forecaster
from motor.backbones.modules.attached.part import Part, Seen, Site
from motor.backbones.modules.base import Module
from motor.backbones.objectives.quantile import pinball
from motor.backbones.torch_forecaster import normalised_batch
from motor.backbones.training.trainer import History, Trainer, TrainingData
from motor.backbones.weights import WeightsError

if TYPE_CHECKING:
    from motor.retrieval.memory import Memory

TENSORS, RECORD = "modules.safetensors", "modules.json"


class Whole(torch.nn.Module):
    """A forecaster's network and those of its modules."""

    def __init__(self, base: torch.nn.Module, parts: dict[str, Part]) -> None:
        super().__init__()
        self.base, self.parts = base, torch.nn.ModuleDict(parts)


class AttachedForecaster(Forecaster):
    """A forecaster with modules: they change tokens where it shows them, and its forecast of one pass.

    Attributes
    ----------
    base : Forecaster
        By itself it forecasts without them, and `save` writes it as it would be saved alone.
    """

    def __init__(self, base: Forecaster, parts: dict[str, Part], settings: Sequence[Module]) -> None:
        self.base, self.settings = base, tuple(settings)
        super().__init__(Whole(base.model, parts), base.prediction_length, base.quantile_levels, base.domains)
        self.sees_together = base.sees_together  # type: ignore[misc] # of this one
        self.leaves_own_motor_out = any(one.LOOKS_UP for one in settings)  # type: ignore[misc]
        self.horizon_method = base.horizon_method

    @property
    def parts(self) -> dict[str, Any]:
        """The modules' networks, in the order in which they act."""
        return dict(self.model.parts.items())

    @property
    def context_length(self) -> int:
        return self.base.context_length

    @property
    def model_levels(self) -> tuple[float, ...]:
        return self.base.model_levels

    @property
    def native_length(self) -> int:
        return self.base.native_length

    @property
    def patch(self) -> int:
        return self.base.patch

    def n_tokens(self, context_length: int) -> int:
        return self.base.n_tokens(context_length)

    def blocks(self) -> Blocks:
        """Return the forecaster's blocks; modules are trained whole beside LoRA's factors, as its head is."""
        own = self.base.blocks()
        return replace(own, head=[*own.head, self.model.parts])

    def training_shortcuts(self, batch: Batch) -> AbstractContextManager[Any]:
        return nullcontext() if self._shares_groups else self.base.training_shortcuts(batch)

    def answering_shortcuts(self) -> AbstractContextManager[Any]:
        return nullcontext() if self._shares_groups else self.base.answering_shortcuts()

    @property
    def _shares_groups(self) -> bool:
        """Whether a window is forecast beside others, which shortcuts for lone windows would leave out."""
        return any(getattr(module, "covariates", 0) for module in self.settings)

    def tokens_seen(self) -> AbstractContextManager[list[int]]:  # type: ignore[override]
        return self.base.tokens_seen()

    def set_dropout(self, rate: float) -> None:
        super().set_dropout(rate)
        self.base.set_dropout(rate)

    def begin_with(self, forecasters: Sequence[Forecaster]) -> None:
        self.base.begin_with(forecasters)

    def remember(self, memory: "Memory") -> None:
        """Give the modules that look windows up a memory of training series."""
        for part in self.parts.values():
            if hasattr(part, "remember"):
                part.remember(memory)

    def looked_up(self, batch: Batch) -> "tuple[Tensor, Tensor] | None":
        checked = self._checked(batch)
        seen = _seen(checked)
        found = [part.looked_up(seen) for part in self.parts.values() if hasattr(part, "looked_up")]
        if not found:
            return None
        square_B, normal_BH = found[0]
        return square_B, normal_BH * seen.scale_B1 + seen.loc_B1

    def neighbours(self, batch: Batch, count: int) -> list[list[dict[str, Any]]]:
        """Return the nearest remembered windows of each window, to be shown.

        Each has `motor`, `sample` (where in its series it begins), `distance`, and `past` and `future` as they are
        taken: brought to the level and the deviation of the window's newest samples.
        """
        seen = _seen(self._checked(batch))
        part = next(part for part in self.parts.values() if hasattr(part, "neighbours"))
        return part.neighbours(seen, count)

    def fit(self, data: TrainingData, trainer: Trainer) -> History:
        """Let the modules look at training windows, train all together, and let them settle."""
        for part in self.parts.values():
            part.learn(data)
        given = {field.name: getattr(trainer, field.name) for field in fields(Trainer)}
        history = self.base.fit(data, _Around(**given, whole=self))
        for part in self.parts.values():
            part.settle(self, data)
        return history

    def save(self, folder: Path) -> None:
        """Write what the forecaster writes by itself, modules.safetensors and modules.json; no memory."""
        folder = Path(folder)
        self.base.save(folder)
        state = {name: value.contiguous() for name, value in self.model.parts.state_dict().items()}
        save_file(state, str(folder / TENSORS))
        record = {"modules": [module.model_dump(mode="json") for module in self.settings]}
        (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    def _pass(self, batch: Batch, length: int) -> Forecast:
        return self.said(batch, length)[0]

    def said(self, batch: Batch, length: int) -> tuple[Forecast, Seen]:
        """Return a pass of a checked batch, and what the modules noted of it."""
        seen = _seen(batch)
        if hasattr(self.base, "forecast_beside"):
            seen.beside = partial(self.base.forecast_beside, batch._replace(future_BH=None), length)
        with self._changed_tokens(seen):
            forecast = self.base._pass(batch, length)
        scale_B11, loc_B11 = seen.scale_B1[..., None], seen.loc_B1[..., None]
        normal_BHQ = (forecast.quantiles_BHQ.float() - loc_B11) / scale_B11
        by_BHQ, losses = torch.zeros_like(normal_BHQ), dict(forecast.auxiliary or {})
        for part in self.parts.values():
            change = part.change(normal_BHQ + by_BHQ, seen)
            by_BHQ = by_BHQ + change.by_BHQ.float()
            losses |= change.losses
            if change.branches is not None and forecast.branches is None:  # a forecaster may have some of its own
                branches = {name: one * scale_B11 + loc_B11 for name, one in change.branches.items()}
                forecast = forecast._replace(gate_BN=change.gate_BN, branches=branches)
        quantiles_BHQ = forecast.quantiles_BHQ + by_BHQ * scale_B11
        if forecast.quantile_loss is not None:
            own = self._own_loss(quantiles_BHQ, batch)
            if own is None:  # of another kind: it teaches the forecaster, and the changed quantiles the modules
                losses["quantile_with_modules"] = pinball(Forecast(quantiles_BHQ, levels=self.model_levels), batch)
            else:
                forecast = forecast._replace(quantile_loss=own)
        return forecast._replace(quantiles_BHQ=quantiles_BHQ, auxiliary=losses if losses else None), seen

    def _own_loss(self, quantiles_BHQ: Tensor, batch: Batch) -> Tensor | None:
        """Return the loss that the model computes of its own quantiles, of those that the modules changed."""
        assert batch.future_BH is not None
        future_BH, measured_BHQ = (self.base.as_in_loss(one, batch) for one in (batch.future_BH, quantiles_BHQ.float()))
        if future_BH is None or measured_BHQ is None:
            return None
        of_deviation_1 = torch.tensor([[-1.0, 1.0]]).to(future_BH)
        return pinball(Forecast(measured_BHQ, levels=self.model_levels), Batch(of_deviation_1, future_BH, None))

    def _embed(self, batch: Batch) -> Tensor:
        with self._changed_tokens(_seen(batch)):
            return self.base._embed(batch)

    @contextmanager
    def _changed_tokens(self, seen: Seen) -> Iterator[None]:
        """Let the modules change the tokens of the context; later tokens (of a horizon, say) are left as they are."""
        site, n_windows = self.base.blocks().tokens, seen.batch.n_windows
        is_done: list[bool] = []

        def change(module: torch.nn.Module, arguments: Any, tokens_RLD: Tensor) -> Tensor | None:
            if is_done:
                return None
            is_done.append(True)
            step = len(tokens_RLD) // n_windows  # a window may have rows of covariates behind its own
            tokens_BLD = tokens_RLD[::step]
            for part in self.parts.values():
                tokens_BLD = part.tokens(tokens_BLD, seen)
            if step == 1:
                return tokens_BLD
            rest = [tokens_RLD[place::step] for place in range(1, step)]
            return torch.stack([tokens_BLD, *rest], dim=1).flatten(0, 1)

        handle = None if site is None else site.register_forward_hook(change)
        try:
            yield
        finally:
            if handle is not None:
                handle.remove()


@dataclass(frozen=True)
class _Around(Trainer):
    """A trainer that trains a forecaster with its modules where the forecaster alone is handed to it."""

    whole: AttachedForecaster | None = None

    def run(self, forecaster: Forecaster, data: TrainingData) -> History:
        assert self.whole is not None
        return super().run(self.whole, data)


def attached(base: Forecaster, modules: Sequence[Module], seed: int = 0) -> AttachedForecaster:
    """Return a forecaster with new modules: it forecasts as it did, to the bit.

    Parameters
    ----------
    base : Forecaster
        Its weights are shared, not copied.
    modules : sequence of Module
        In the order in which they act.
    seed : int
        Of their weights.
    """
    site = Site(_width(base), base.context_length, base.prediction_length, base.model_levels)
    parts = {module.kind: seeded(partial(module.part, site), seed) for module in modules}
    return AttachedForecaster(base, parts, modules)


def loaded(base: Forecaster, modules: Sequence[Module], folder: Path) -> AttachedForecaster:
    """Return a loaded forecaster with the modules that lie beside it.

    Raises
    ------
    motor.backbones.weights.WeightsError
        If there are none, or they are others.
    """
    folder = Path(folder)
    whole = attached(base, modules)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))["modules"]
        state = load_file(str(folder / TENSORS))
    except (OSError, ValueError, LookupError) as error:
        raise WeightsError(f"{folder} has no whole {RECORD} and {TENSORS}: {error}; fit the forecaster again") from None
    asked = [json.loads(module.model_dump_json()) for module in modules]
    if record != asked:
        raise WeightsError(f"{folder} was trained with the modules {record}, but is loaded for {asked}")
    try:
        whole.model.parts.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(f"{folder / TENSORS} does not hold these modules: {error}; fit it again") from None
    return whole


def _width(base: Forecaster) -> int | None:
    """Return the width of a forecaster's tokens, by one pass over zeros."""
    site = base.blocks().tokens
    if site is None:
        return None
    widths: list[int] = []
    handle = site.register_forward_hook(lambda module, arguments, tokens: widths.append(tokens.shape[-1]))
    zeros_BT, one_B = torch.zeros(1, base.context_length), torch.zeros(1, dtype=torch.int64)
    try:
        with torch.no_grad():
            base._pass(base._checked(Batch(zeros_BT, None, one_B)), min(base.native_length, base.prediction_length))
    finally:
        handle.remove()
    return widths[0]


def _seen(batch: Batch) -> Seen:
    return Seen(batch, *normalised_batch(batch))
