"""Chronos-Bolt: patches in, all quantiles of the whole horizon out of one decoder step.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D embedding.
"""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from motor.backbones.base import Outline, seeded
from motor.backbones.batch import Batch
from motor.backbones.chronos import domain_mark
from motor.backbones.chronos.backbone import MOST_BLOCKS, ChronosBackbone
from motor.backbones.chronos.forecaster import ChronosForecaster
from motor.backbones.forecast import Forecast
from motor.backbones.weights import load_model
from motor.lazy import chronos, torch, transformers

if TYPE_CHECKING:
    from torch import Tensor


class BoltForecaster(ChronosForecaster):
    """Chronos-Bolt. A known domain is written as a missing sample in each patch of the context."""

    @property
    def native_length(self) -> int:
        return int(self.model.chronos_config.prediction_length)

    def n_tokens(self, context_length: int) -> int:
        """Return the patches of a context, plus [REG] where the model has it."""
        return math.ceil(context_length / self.patch) + int(self.model.chronos_config.use_reg_token)

    def domain_recipe(self) -> dict[str, Any]:
        return domain_mark.bolt_recipe(self.domains, self.patch)

    def _tokens_of_pass(self, context_length: int, length: int) -> int:
        return self.n_tokens(context_length)

    def _stock_pass(self, batch: Batch, length: int) -> Forecast:
        output = self.model(context=self._marked(batch), target=batch.future_BH)
        loss = None if output.loss is None else output.loss / length
        return Forecast(output.quantile_preds[..., :length].transpose(1, 2), quantile_loss=loss)

    def _rolled_out(self, batch: Batch) -> "Tensor":
        context_BT = self._marked(batch)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="We recommend keeping prediction length")
            return chronos.ChronosBoltPipeline(self.model).predict(context_BT, self.prediction_length).transpose(1, 2)

    def _encode(self, batch: Batch) -> "Tensor":
        return self.model.encode(context=self._marked(batch))[0]

    def _marked(self, batch: Batch) -> "Tensor":
        if not self.is_told:
            return batch.context_BT
        return domain_mark.mark_context(batch.context_BT, batch.domain_B, len(self.domains), self.patch)

    def _context_seen(self, batch: Batch) -> "Tensor":
        return self._marked(batch)

    def _check_telling(self) -> None:
        """Raise where the marks in the context would be lost or moved."""
        domain_mark.missing_positions(len(self.domains), self.patch)
        head = self.native_length if self.horizon_method == "rolled_out" else None
        for _, fault in domain_mark.unaligned(self.patch, self.context_length, head):
            raise ValueError(fault)


class Bolt(ChronosBackbone):
    """Chronos-Bolt (amazon/chronos-bolt-*), or a small one from these sizes."""

    FORECASTER: ClassVar[type[ChronosForecaster]] = BoltForecaster
    ARCHITECTURE: ClassVar[str] = "ChronosBoltModelForForecasting"
    LEVELS: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    SIZES: ClassVar[tuple[str, ...]] = (*ChronosBackbone.SIZES, "num_decoder_layers", "input_patch_size")

    kind: Literal["bolt"] = "bolt"
    num_decoder_layers: int = Field(default=2, ge=1, le=MOST_BLOCKS, description="blocks of the decoder")
    input_patch_size: int = Field(default=16, ge=4, multiple_of=4, description="samples a token")

    def _patch(self) -> int:
        return self.input_patch_size

    def _telling_incompatibilities(
        self, outline: Outline, context_length: int, prediction_length: int, n_domains: int
    ) -> Iterator[tuple[str, str]]:
        try:
            domain_mark.missing_positions(n_domains, outline.patch)
        except ValueError as error:
            yield "domains", str(error)
        head = outline.head_length or prediction_length
        is_rolled = self.horizon == "roll_out" and head < prediction_length
        yield from domain_mark.unaligned(outline.patch, context_length, head if is_rolled else None)

    def _random_model(self, context_length: int, prediction_length: int, dropout_rate: float, seed: int) -> Any:
        chronos_config = {
            "context_length": context_length,
            "prediction_length": prediction_length,
            "input_patch_size": self.input_patch_size,
            "input_patch_stride": self.input_patch_size,
            "quantiles": list(self.LEVELS),
            "use_reg_token": True,
        }
        # what is not a setting is as in amazon/chronos-bolt-base
        config = transformers.T5Config(
            **self.model_dump(include={"d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads"}),
            dropout_rate=dropout_rate,
            vocab_size=2,
            feed_forward_proj="relu",
            initializer_factor=0.05,
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
            reg_token_id=1,
            chronos_config=chronos_config,
            chronos_pipeline_class="ChronosBoltPipeline",
            architectures=[self.ARCHITECTURE],
        )
        return seeded(lambda: chronos.chronos_bolt.ChronosBoltModelForForecasting(config), seed)

    def _load_model(self, folder: Path, context_length: int, dropout_rate: float | None) -> Any:
        config = transformers.T5Config.from_pretrained(folder)
        config.chronos_config["context_length"] = context_length
        config.chronos_pipeline_class = "ChronosBoltPipeline"
        if dropout_rate is not None:
            config.dropout_rate = dropout_rate
        return load_model(chronos.chronos_bolt.ChronosBoltModelForForecasting, config, folder)

    @staticmethod
    def _native_length(model: Any) -> int:
        return int(model.chronos_config.prediction_length)

    @staticmethod
    def _resize(model: Any, prediction_length: int) -> None:
        """Give the head more time steps; the new ones start as the old ones, tiled."""
        head = model.output_patch_embedding
        for layer in (head.output_layer, head.residual_layer):
            _tile_rows(layer, model.num_quantiles, prediction_length)
        model.chronos_config.prediction_length = prediction_length
        model.config.chronos_config["prediction_length"] = prediction_length


def _tile_rows(layer: Any, n_quantiles: int, length: int) -> None:
    """Repeat a linear layer's rows, which stand quantile by quantile (row = q * H + t), over a longer horizon."""
    source = torch.arange(length) % (layer.out_features // n_quantiles)
    rows = (torch.arange(n_quantiles)[:, None] * (layer.out_features // n_quantiles) + source).flatten()
    layer.weight = torch.nn.Parameter(layer.weight.detach()[rows].clone())
    layer.bias = torch.nn.Parameter(layer.bias.detach()[rows].clone())
    layer.out_features = len(rows)
