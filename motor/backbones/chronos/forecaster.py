"""What the forecasters of the Chronos families share: a stock model, its folder, and the tokens that it really sees.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D embedding.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.chronos import domain_mark
from motor.backbones.chronos.shortcuts import shortened, without_lone_groups
from motor.backbones.forecast import Forecast, loc_scale
from motor.backbones.forecaster import SIDECAR, Forecaster
from motor.backbones.weights import save_model

if TYPE_CHECKING:
    from torch import Tensor

HorizonMethod = Literal["native", "resized", "rolled_out"]


class ChronosForecaster(Forecaster):
    """A stock model with its context, horizon and domains.

    Attributes
    ----------
    model : torch.nn.Module
        The unmodified library's model.
    horizon_method : {"native", "resized", "rolled_out"}
        How the model came to `prediction_length`, for the record.
    domains : tuple of str
        With two or more, the model knows each window's domain (see `domain_mark`).
    """

    def __init__(
        self,
        model: Any,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        horizon_method: HorizonMethod,
        domains: tuple[str, ...],
    ) -> None:
        super().__init__(model, prediction_length, quantile_levels, domains)
        self.horizon_method = horizon_method
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

    @abstractmethod
    def _stock_pass(self, batch: Batch, length: int) -> Forecast:
        """Forecast as `_pass` does, unwatched."""

    @abstractmethod
    def _encode(self, batch: Batch) -> "Tensor":
        """Embed as the stock pipeline does: the context's patches, then [REG], then what else its family has."""

    @abstractmethod
    def _tokens_of_pass(self, context_length: int, length: int) -> int:
        """Tokens that the encoder sees in a pass over a context that forecasts so many samples."""

    @abstractmethod
    def domain_recipe(self) -> dict[str, Any]:
        """Return what domain_mark.json says to a user of the stock library."""

    @abstractmethod
    def _check_telling(self) -> None:
        """Raise ValueError where so many domains cannot be marked in these lengths."""

    def _pass(self, batch: Batch, length: int) -> Forecast:
        if batch.future_BH is not None:
            return self._stock_pass(batch, length)
        with self._expecting(self._tokens_of_pass(batch.context_BT.shape[1], length)):
            return self._stock_pass(batch, length)

    def _embed(self, batch: Batch) -> "Tensor":
        with self._expecting(self.n_tokens(batch.context_BT.shape[1])):
            return self._encode(batch)

    def blocks(self) -> Blocks:
        """Return the parts by which both families are built."""
        model = self.model
        return Blocks(
            encoder=list(model.encoder.block),
            inputs=[model.shared, model.input_patch_embedding],
            decoder=list(model.decoder.block) if hasattr(model, "decoder") else [],
            head=[model.output_patch_embedding],
            tokens=model.input_patch_embedding,
        )

    def as_in_loss(self, values: "Tensor", batch: Batch) -> "Tensor":
        rows = (slice(None),) + (None,) * (values.ndim - 1)
        loc_B, scale_B = (part[:, 0][rows] for part in loc_scale(self._context_seen(batch)))
        normal = (values - loc_B) / scale_B
        return normal.arcsinh() if getattr(self.model.chronos_config, "use_arcsinh", False) else normal

    def _context_seen(self, batch: Batch) -> "Tensor":
        """Return the contexts as the model normalises them: with the marks that tell a domain, if there are any."""
        return batch.context_BT

    def training_shortcuts(self, batch: Batch) -> AbstractContextManager[Any]:
        """Return a context in which a training step takes less time (see `motor.backbones.chronos.shortcuts`)."""
        # a window of Chronos-2 whose domain is known shares its group with the covariate of it
        return shortened(self.model, alone=batch.group_B is None and not self.is_told)

    def answering_shortcuts(self) -> AbstractContextManager[Any]:
        """Return a context in which it predicts and embeds faster; weights and what `save` writes are untouched.

        Chronos-2's group attention over one row is ``o(v(norm(h)))`` (see `motor.backbones.chronos.shortcuts`): a
        sixth less time at a context of 4096 and a horizon of 1024, and no memory that grows with the square of the
        batch. It stays where rows share groups: a marked window has one with its covariate, sensors may
        go in together, and a roll-out makes rows of its own. Chronos-Bolt has no such attention.
        """
        shares = self.is_told or self.sees_together or self.native_length < self.prediction_length
        return nullcontext() if shares else without_lone_groups(self.model)

    def set_dropout(self, rate: float) -> None:
        """Set the rate of every dropout in the model and in its config; LoRA's factors have a rate of their own."""
        super().set_dropout(rate)
        for module in self.model.modules():
            if hasattr(getattr(module, "config", None), "dropout_rate"):
                module.config.dropout_rate = rate

    def save(self, folder: Path) -> None:
        """Write the model as a stock folder, with how to tell it the domain and how it is used here beside it.

        `BaseChronosPipeline.from_pretrained(folder)` of the unmodified library loads and forecasts with it.
        Files: config.json, model.safetensors (float32), forecaster.json and, where a domain is known,
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

    @contextmanager
    def tokens_seen(self) -> Iterator[list[int]]:
        """List how many tokens the encoder really sees in each pass."""
        seen: list[int] = []

        def note(module: Any, arguments: tuple, keywords: dict[str, Any]) -> None:
            seen.append(int(keywords["inputs_embeds"].shape[1]))

        hook = self.model.encoder.register_forward_pre_hook(note, with_kwargs=True)
        try:
            yield seen
        finally:
            hook.remove()

    @contextmanager
    def _expecting(self, n_tokens: int) -> Iterator[None]:
        """Raise if the encoder is run on another number of tokens than `n_tokens`."""
        with self.tokens_seen() as seen:
            yield
        if seen != [n_tokens]:
            raise RuntimeError(f"the encoder saw {seen} tokens where one pass over {n_tokens} was due")
