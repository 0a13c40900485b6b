"""A forecaster: a stock model with its context, horizon, quantile levels and domains, whatever its family.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D embedding.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from motor.backbones import domain_mark
from motor.backbones.weights import save_model

if TYPE_CHECKING:
    import torch
    from torch import Tensor

HorizonMethod = Literal["native", "resized", "rolled_out"]
Inputs = tuple["Tensor", "Tensor", "Tensor | None"]  # context_BT, domain_B, group_B
SIDECAR = "forecaster.json"
MEDIAN = 0.5


class ForecastError(ValueError):
    """A forecast is not finite."""


class Forecaster(ABC):
    """A stock model with its context, horizon and domains; the same calls for every family.

    Attributes
    ----------
    model : torch.nn.Module
        The unmodified library's model.
    context_length, prediction_length : int
        Samples seen and forecast.
    quantile_levels : tuple of float
        Levels that `predict_quantiles` returns; a subset of the model's own, `model_levels`.
    native_length : int
        Samples that one pass forecasts; shorter than `prediction_length` only where the horizon is rolled out.
    horizon_method : {"native", "resized", "rolled_out"}
        How the model came to `prediction_length`, for the record.
    domains : tuple of str
        With two or more, the model is told each window's domain (see `domain_mark`).
    sees_together : bool
        Windows of one group see one another; else each window is forecast alone, whatever its batch.
    """

    sees_together: ClassVar[bool] = False

    def __init__(
        self,
        model: Any,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        horizon_method: HorizonMethod,
        domains: tuple[str, ...],
    ) -> None:
        self.model = model
        self.prediction_length = prediction_length
        self.quantile_levels = tuple(quantile_levels)
        self.horizon_method = horizon_method
        self.domains = tuple(domains)
        self._level_positions = positions_of(self.quantile_levels, self.model_levels)
        self.model.eval()
        if self.is_told:
            self._check_telling()

    @property
    def context_length(self) -> int:
        return int(self.model.chronos_config.context_length)

    @property
    def model_levels(self) -> tuple[float, ...]:
        return tuple(self.model.config.chronos_config["quantiles"])

    @property
    def patch(self) -> int:
        return int(self.model.chronos_config.input_patch_size)

    @property
    def is_told(self) -> bool:
        return len(self.domains) >= 2

    @property
    def device(self) -> "torch.device":
        return next(self.model.parameters()).device

    @property
    @abstractmethod
    def native_length(self) -> int:
        """Samples that one forward pass forecasts."""

    @abstractmethod
    def n_tokens(self, context_length: int) -> int:
        """Return how many tokens `embed` gives for a context of so many samples."""

    @abstractmethod
    def _loss(
        self, context_BT: "Tensor", future_BH: "Tensor", domain_B: "Tensor", group_B: "Tensor | None"
    ) -> "Tensor":
        """Loss per time step and quantile of a future that one pass covers."""

    @abstractmethod
    def _one_pass(self, context_BT: "Tensor", domain_B: "Tensor", group_B: "Tensor | None", length: int) -> "Tensor":
        """Forecast `length` samples at the model's own levels: (B, H, Q), unsorted."""

    @abstractmethod
    def _rolled_out(self, context_BT: "Tensor", domain_B: "Tensor", group_B: "Tensor | None") -> "Tensor":
        """Forecast `prediction_length` samples by the stock pipeline's rolling: (B, H, Q), unsorted."""

    @abstractmethod
    def _embed(self, context_BT: "Tensor", domain_B: "Tensor", group_B: "Tensor | None") -> "Tensor":
        """Last hidden states of the encoder: (B, L, D)."""

    @abstractmethod
    def domain_recipe(self) -> dict[str, Any]:
        """Return what domain_mark.json says to a user of the stock library."""

    def _check_telling(self) -> None:  # noqa: B027 - a family that can tell any number need not say so
        """Raise ValueError where so many domains cannot be told in these lengths."""

    def to(self, device: "str | torch.device") -> "Forecaster":
        """Move the model to a device and return the forecaster."""
        self.model.to(device)
        return self

    def loss(
        self, context_BT: "Tensor", future_BH: "Tensor", domain_B: "Tensor", group_B: "Tensor | None" = None
    ) -> "Tensor":
        """Return the quantile loss of a batch, per time step and quantile, in units of each context's own scale.

        Twice the pinball loss, a mean over windows, time steps and the model's quantiles, so that learning rates
        and gradient clipping mean the same for every family and horizon (the stock models sum over the horizon,
        Bolt, or over the quantiles, Chronos-2).

        Parameters
        ----------
        context_BT : Tensor of shape (n_windows, context_length)
            NaN is a missing sample.
        future_BH : Tensor of shape (n_windows, prediction_length)
            NaN is not in the loss. Where the horizon is rolled out, what lies past `native_length` is left out.
        domain_B : LongTensor of shape (n_windows,)
            Position in `domains`; unused unless there are two or more.
        group_B : LongTensor of shape (n_windows,), or None
            Windows of one number see one another; None leaves each alone.

        Raises
        ------
        ValueError
            If the inputs' shapes do not fit, or groups are given where the forecaster does not see them together.
        """
        context_BT, domain_B, group_B = self._checked(context_BT, domain_B, group_B)
        return self._loss(context_BT, future_BH[:, : self.native_length].to(self.device).float(), domain_B, group_B)

    def predict_quantiles(self, context_BT: "Tensor", domain_B: "Tensor", group_B: "Tensor | None" = None) -> "Tensor":
        """Forecast `prediction_length` samples at `quantile_levels`.

        The quantiles of each time step are sorted, which keeps them from crossing and never moves them away from
        the true ones (rearrangement; Chernozhukov, Fernandez-Val and Galichon 2010, Econometrica 78, 1093-1125);
        the stock pipeline does not sort. Sorted are the model's own levels, of which the asked ones are taken.

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
            return self.predict_one_pass(context_BT, domain_B, group_B)
        return self._forecast(self._checked(context_BT, domain_B, group_B), self._rolled_out)

    def predict_one_pass(self, context_BT: "Tensor", domain_B: "Tensor", group_B: "Tensor | None" = None) -> "Tensor":
        """As `predict_quantiles`, but no further than one pass reaches, which is `native_length` samples."""
        length = min(self.native_length, self.prediction_length)
        inputs = self._checked(context_BT, domain_B, group_B)
        return self._forecast(inputs, lambda context, domain, group: self._one_pass(context, domain, group, length))

    def embed(self, context_BT: "Tensor", domain_B: "Tensor", group_B: "Tensor | None" = None) -> "Tensor":
        """Return the encoder's last hidden states, token by token, as the stock pipeline's `embed` gives them.

        Returns
        -------
        Tensor of shape (n_windows, n_tokens(context), d_model), float32, on the model's device
            The context's patches from the oldest on, then [REG]; Chronos-2 adds its one masked output patch, as
            the stock pipeline does.

        Raises
        ------
        RuntimeError
            If the model is in training mode, or the encoder did not see the whole context.
        """
        import torch

        self._assert_evaluating()
        inputs = self._checked(context_BT, domain_B, group_B)
        with torch.inference_mode(), self._expecting(self.n_tokens(context_BT.shape[1])):
            return self._embed(*inputs).float()

    def train_only_last(self, n_blocks: int) -> "Forecaster":
        """Freeze all but the last encoder blocks, the final norm, the head and, where there is one, the decoder.

        Raises
        ------
        ValueError
            If the encoder has fewer blocks.
        """
        blocks = self.model.encoder.block
        if not 0 <= n_blocks <= len(blocks):
            raise ValueError(f"cannot train the last {n_blocks} encoder blocks; this model has {len(blocks)}")
        self.model.requires_grad_(False)
        parts = [*blocks[len(blocks) - n_blocks :], self.model.encoder.final_layer_norm]
        if hasattr(self.model, "decoder"):
            parts += [*self.model.decoder.block, self.model.decoder.final_layer_norm]
        for part in [*parts, self.model.output_patch_embedding]:
            part.requires_grad_(True)
        return self

    def set_dropout(self, rate: float) -> None:
        """Set the rate of every dropout in the model and in its config; LoRA's factors have a rate of their own."""
        import torch

        for name, module in self.model.named_modules():
            if ".lora_dropout." in name:
                continue
            if isinstance(module, torch.nn.Dropout):
                module.p = rate
            elif isinstance(getattr(module, "dropout", None), float):
                module.dropout = rate
            if hasattr(getattr(module, "config", None), "dropout_rate"):
                module.config.dropout_rate = rate

    def save(self, folder: Path) -> None:
        """Write the model as a stock folder, with how to tell it the domain and how it is used here beside it.

        `BaseChronosPipeline.from_pretrained(folder)` of the unmodified library loads and forecasts with it.
        Files: config.json, model.safetensors (float32), forecaster.json and, where a domain is told,
        domain_mark.json.

        Raises
        ------
        motor.backbones.weights.WeightsError
            If what was written does not hold every tensor of the model.
        ValueError
            If LoRA's factors stand beside weights still; stock code would not find the weights' names.
        """
        if any(".lora_A." in name for name, _ in self.model.named_parameters()):
            raise ValueError("LoRA's factors are not merged; call motor.backbones.lora.merge(forecaster) before saving")
        folder = Path(folder)
        save_model(self.model, folder)
        record = {
            "context_length": self.context_length,
            "prediction_length": self.prediction_length,
            "native_length": self.native_length,
            "horizon_method": self.horizon_method,
            "n_tokens": self.n_tokens(self.context_length),
            "quantile_levels": list(self.quantile_levels),
            "domains": list(self.domains),
            "sensors": "together" if self.sees_together else "apart",
        }
        (folder / SIDECAR).write_text(json.dumps(record, indent=2) + "\n")
        if self.is_told:
            recipe = json.dumps(self.domain_recipe(), indent=2, ensure_ascii=False)
            (folder / domain_mark.FILE_NAME).write_text(recipe + "\n", encoding="utf-8")

    def _forecast(self, inputs: Inputs, forecast: "Callable[..., Tensor]") -> "Tensor":
        import torch

        self._assert_evaluating()
        with torch.inference_mode():
            quantiles_BHQ = forecast(*inputs).to(self.device).float().sort(dim=-1).values
            quantiles_BHQ = quantiles_BHQ[..., self._level_positions]
            broken_B = ~quantiles_BHQ.isfinite().flatten(1).all(dim=1)
        if broken_B.any():
            raise ForecastError(
                f"forecast is not finite for {int(broken_B.sum())} of {len(broken_B)} windows, rows "
                f"{broken_B.nonzero().flatten().tolist()[:10]}; the weights have diverged, or the input is not scaled"
            )
        return quantiles_BHQ

    def _checked(self, context_BT: "Tensor", domain_B: "Tensor", group_B: "Tensor | None") -> Inputs:
        """Return the inputs on the model's device; a context that the model would cut is an error."""
        if context_BT.ndim != 2 or not 1 <= context_BT.shape[1] <= self.context_length:
            raise ValueError(
                f"context has shape {tuple(context_BT.shape)}; it must be (windows, samples) with at most "
                f"context_length = {self.context_length} samples"
            )
        if self.is_told:
            domain_mark.check_domains(domain_B, len(self.domains), len(context_BT))
        if group_B is not None:
            self._check_groups(group_B, len(context_BT))
            group_B = group_B.to(self.device)
        return context_BT.to(self.device).float(), domain_B.to(self.device), group_B

    def _check_groups(self, group_B: "Tensor", n_windows: int) -> None:
        if not self.sees_together:
            raise ValueError(
                "windows come in groups, but this forecaster sees each window alone; give no groups, or train one "
                "whose backbone is {kind: chronos2, sensors: together}"
            )
        if group_B.shape != (n_windows,):
            raise ValueError(
                f"group_B has shape {tuple(group_B.shape)} for {n_windows} windows; it must be ({n_windows},)"
            )

    def _assert_evaluating(self) -> None:
        if self.model.training:
            raise RuntimeError("the model is in training mode, where dropout is on; call forecaster.model.eval() first")

    @contextmanager
    def _expecting(self, n_tokens: int) -> Iterator[None]:
        """Raise if the encoder is run on another number of tokens than `n_tokens`."""
        seen: list[int] = []

        def note(module: Any, arguments: tuple, keywords: dict[str, Any]) -> None:
            seen.append(int(keywords["inputs_embeds"].shape[1]))

        hook = self.model.encoder.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()
        if seen != [n_tokens]:
            raise RuntimeError(f"the encoder saw {seen} tokens where one pass over {n_tokens} was due")


def positions_of(asked: tuple[float, ...], own: tuple[float, ...]) -> list[int]:
    """Return where the asked quantile levels stand among the model's own.

    Raises
    ------
    ValueError
        If a level is not the model's, or the median is not asked for: it is the point forecast.
    """
    found = {level: [i for i, mine in enumerate(own) if abs(mine - level) < 1e-6] for level in asked}
    unknown = [level for level, positions in found.items() if not positions]
    if unknown or MEDIAN not in asked:
        wrong = f"quantile levels {unknown} are not the model's" if unknown else "quantile levels lack the median, 0.5"
        raise ValueError(f"{wrong}; take 0.5 and any others of {', '.join(f'{level:g}' for level in own)}")
    return [found[level][0] for level in asked]
