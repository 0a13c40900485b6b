"""Chronos-2: an encoder over patches of context and horizon, which lets series of one group see each other.

Shapes: B windows, V rows of a window (the signal, and the covariate where that gives the domain), R = B * V rows,
T context, H horizon, Q quantiles, L tokens, D embedding.
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
from motor.backbones.chronos.backbone import ChronosBackbone
from motor.backbones.chronos.forecaster import ChronosForecaster
from motor.backbones.forecast import Forecast
from motor.backbones.weights import load_model
from motor.lazy import chronos, torch

if TYPE_CHECKING:
    from torch import Tensor

PATCH = 16
TIME_ENCODING_SCALE = 8192


class Chronos2Forecaster(ChronosForecaster):
    """Chronos-2, each window by itself. A known domain is a periodic covariate, known in the past and in the future."""

    def _check_telling(self) -> None:
        domain_mark.pattern(0, len(self.domains))

    @property
    def native_length(self) -> int:
        return int(self.model.chronos_config.max_output_patches * self.model.chronos_config.output_patch_size)

    def n_tokens(self, context_length: int) -> int:
        """Return the patches of a context, plus [REG] where the model has it and the masked output patch."""
        return self._context_tokens(context_length) + 1

    def domain_recipe(self) -> dict[str, Any]:
        return domain_mark.chronos2_recipe(self.domains)

    def _context_tokens(self, context_length: int) -> int:
        return math.ceil(context_length / self.patch) + int(self.model.chronos_config.use_reg_token)

    def _tokens_of_pass(self, context_length: int, length: int) -> int:
        return self._context_tokens(context_length) + math.ceil(length / self.patch)

    def _stock_pass(self, batch: Batch, length: int) -> Forecast:
        future_BH = batch.future_BH
        n_patches = math.ceil(length / self.patch)
        inputs = self._rows(batch) | self._future_rows(batch, length)
        if future_BH is not None and self._n_rows == 2:  # the covariate's row has no target
            future_BH = torch.stack([future_BH, torch.full_like(future_BH, torch.nan)], dim=1).flatten(0, 1)
        output = self.model(**inputs, num_output_patches=n_patches, future_target=future_BH)
        quantiles_BHQ = self._signal_rows(output.quantile_preds)[..., :length].transpose(1, 2)
        if output.loss is None:
            return Forecast(quantiles_BHQ)
        # the stock loss is a mean over all rows and padded samples and a sum over quantiles
        loss = output.loss * self._n_rows * (n_patches * self.patch / length) / self.model.num_quantiles
        return Forecast(quantiles_BHQ, quantile_loss=loss)

    def forecast_beside(self, batch: Batch, length: int, past_BRT: "Tensor", future_BRH: "Tensor") -> "Tensor":
        """Forecast windows beside series whose future is known, as the stock pipeline takes covariates: (B, H, Q).

        Parameters
        ----------
        batch : Batch
        length : int
            Samples to forecast.
        past_BRT, future_BRH : Tensor
            The series of each window, as long as its context, NaN where they are not known; and what followed.
        """
        context_BT = batch.context_BT
        rows, futures = [context_BT[:, None], past_BRT], [torch.full_like(future_BRH[:, :1], torch.nan), future_BRH]
        if self.is_told:
            rows.insert(1, self._covariate(batch, -context_BT.shape[1], 0)[:, None])
            futures.insert(1, self._covariate(batch, 0, length)[:, None])
        context_BVT, future_BVH = torch.cat(rows, dim=1), torch.cat(futures, dim=1)[..., :length]
        n_rows = context_BVT.shape[1]
        groups_R = torch.arange(len(context_BT), device=context_BT.device).repeat_interleave(n_rows)
        output = self.model(
            context=context_BVT.flatten(0, 1),
            group_ids=groups_R,
            future_covariates=future_BVH.flatten(0, 1),
            num_output_patches=math.ceil(length / self.patch),
        )
        return output.quantile_preds[::n_rows, :, :length].transpose(1, 2)

    def _rolled_out(self, batch: Batch) -> "Tensor":
        n_samples = batch.context_BT.shape[1]
        inputs: Any = [{"target": context_T} for context_T in batch.context_BT.cpu()]
        if self.is_told:
            past_BT = self._covariate(batch, -n_samples, 0).cpu()
            future_BH = self._covariate(batch, 0, self.prediction_length).cpu()
            for item, past_T, future_H in zip(inputs, past_BT, future_BH, strict=True):
                item["past_covariates"] = {domain_mark.COVARIATE_NAME: past_T}
                item["future_covariates"] = {domain_mark.COVARIATE_NAME: future_H}
        return torch.cat(self._by_the_pipeline(inputs)).transpose(1, 2)

    def _by_the_pipeline(self, inputs: list[dict[str, Any]]) -> "list[Tensor]":
        """Forecast items with the stock pipeline, which rolls out: (rows of the item, Q, H) each."""
        # the pipeline's DataLoader draws a number from torch's generator
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.filterwarnings("ignore", message="We recommend keeping prediction length")
            return chronos.Chronos2Pipeline(self.model).predict(inputs, self.prediction_length)

    def _encode(self, batch: Batch) -> "Tensor":
        return self._signal_rows(self.model.encode(**self._rows(batch))[0][0])

    @property
    def _n_rows(self) -> int:
        """Rows of the model's batch for each window."""
        return 2 if self.is_told else 1

    def _rows(self, batch: Batch) -> dict[str, Any]:
        """The model's past: each window's signal, followed by its covariate where the domain is known."""
        context_BT = batch.context_BT
        if not self.is_told:
            return {"context": context_BT}
        past_BT = self._covariate(batch, -context_BT.shape[1], 0)
        groups_R = torch.arange(len(context_BT), device=context_BT.device).repeat_interleave(2)
        return {"context": torch.stack([context_BT, past_BT], dim=1).flatten(0, 1), "group_ids": groups_R}

    def _future_rows(self, batch: Batch, length: int) -> dict[str, Any]:
        """The model's known future: none of the signal, all of the covariate."""
        if not self.is_told:
            return {}
        future_BH = self._covariate(batch, 0, length)
        rows_BVH = torch.stack([torch.full_like(future_BH, torch.nan), future_BH], dim=1)
        return {"future_covariates": rows_BVH.flatten(0, 1)}

    def _covariate(self, batch: Batch, first: int, stop: int) -> "Tensor":
        return domain_mark.covariate(batch.domain_B, len(self.domains), first, stop)

    def _signal_rows(self, rows: "Tensor") -> "Tensor":
        return rows[:: self._n_rows]


class TogetherForecaster(Chronos2Forecaster):
    """Chronos-2, whose group attention lets the windows of one moment see one another.

    A covariate is shared by its whole group, so it cannot tell the group's rows apart: a known domain is a missing
    sample in each patch of a row's context, as in Chronos-Bolt.
    """

    sees_together: ClassVar[bool] = True

    def _check_telling(self) -> None:
        super()._check_telling()
        domain_mark.missing_positions(len(self.domains), self.patch)
        for _, fault in domain_mark.unaligned(self.patch, self.context_length, None):
            raise ValueError(fault)

    def _context_seen(self, batch: Batch) -> "Tensor":
        return self._rows(batch)["context"]

    def domain_recipe(self) -> dict[str, Any]:
        return domain_mark.together_recipe(self.domains, self.patch)

    def _rolled_out(self, batch: Batch) -> "Tensor":
        rows = self._rows(batch)
        _, places_B, sizes_G = rows["group_ids"].cpu().unique(return_inverse=True, return_counts=True)
        contexts_BT = rows["context"].cpu()
        shape = len(contexts_BT), len(self.model_levels), self.prediction_length
        forecasts_BQH = contexts_BT.new_empty(shape)
        for size in sizes_G.unique().tolist():  # the pipeline wants as many rows of all items of a call
            of_items = [(places_B == place).nonzero().flatten() for place in (sizes_G == size).nonzero().flatten()]
            items = self._by_the_pipeline([{"target": contexts_BT[rows_V]} for rows_V in of_items])
            forecasts_BQH[torch.cat(of_items)] = torch.cat(items).cpu()
        return forecasts_BQH.transpose(1, 2)

    @property
    def _n_rows(self) -> int:
        return 1

    def _rows(self, batch: Batch) -> dict[str, Any]:
        """The model's past: the windows, marked where the domain is known."""
        context_BT = batch.context_BT
        if self.is_told:
            context_BT = domain_mark.mark_context(context_BT, batch.domain_B, len(self.domains), self.patch)
        alone_B = torch.arange(len(context_BT), device=context_BT.device)
        return {"context": context_BT, "group_ids": alone_B if batch.group_B is None else batch.group_B}

    def _future_rows(self, batch: Batch, length: int) -> dict[str, Any]:
        return {}


class Chronos2(ChronosBackbone):
    """Chronos-2 (amazon/chronos-2), or a small one from these sizes."""

    FORECASTER: ClassVar[type[ChronosForecaster]] = Chronos2Forecaster
    ARCHITECTURE: ClassVar[str] = "Chronos2Model"
    LEVELS: ClassVar[tuple[float, ...]] = (0.01, *(round(0.05 * i, 2) for i in range(1, 20)), 0.99)

    kind: Literal["chronos2"] = "chronos2"
    sensors: Literal["apart", "together"] = Field(
        default="apart",
        description="``together``: a motor's sensors at one moment see one another, in Joint; ``apart``: none does",
    )

    @property
    def sees_together(self) -> bool:
        return self.sensors == "together"

    @property
    def forecaster_type(self) -> type[ChronosForecaster]:
        return TogetherForecaster if self.sees_together else self.FORECASTER

    def _patch(self) -> int:
        return PATCH

    def _telling_incompatibilities(
        self, outline: Outline, context_length: int, prediction_length: int, n_domains: int
    ) -> Iterator[tuple[str, str]]:
        try:
            domain_mark.pattern(0, n_domains)
        except ValueError as error:
            yield "domains", str(error)
        if self.sees_together:
            yield from domain_mark.unaligned(outline.patch, context_length, None)

    def _random_model(self, context_length: int, prediction_length: int, dropout_rate: float, seed: int) -> Any:
        chronos_config = {
            "context_length": context_length,
            "input_patch_size": PATCH,
            "input_patch_stride": PATCH,
            "output_patch_size": PATCH,
            "quantiles": list(self.LEVELS),
            "use_reg_token": True,
            "use_arcsinh": True,
            "max_output_patches": math.ceil(prediction_length / PATCH),
            "time_encoding_scale": TIME_ENCODING_SCALE,
        }
        # what is not a setting is as in amazon/chronos-2
        config = chronos.chronos2.config.Chronos2CoreConfig(
            **self.model_dump(include={"d_model", "d_kv", "d_ff", "num_layers", "num_heads"}),
            dropout_rate=dropout_rate,
            reg_token_id=1,
            chronos_config=chronos_config,
            chronos_pipeline_class="Chronos2Pipeline",
            architectures=[self.ARCHITECTURE],
        )
        return seeded(lambda: chronos.chronos2.model.Chronos2Model(config), seed)

    def _load_model(self, folder: Path, context_length: int, dropout_rate: float | None) -> Any:
        config = chronos.chronos2.config.Chronos2CoreConfig.from_pretrained(folder)
        own = config.chronos_config
        # left out, it follows the context's length, and all that was learned about time is off
        own["time_encoding_scale"] = own.get("time_encoding_scale") or own["context_length"]
        own["context_length"] = context_length
        config.chronos_pipeline_class = "Chronos2Pipeline"
        if dropout_rate is not None:
            config.dropout_rate = dropout_rate
        return load_model(chronos.chronos2.model.Chronos2Model, config, folder)

    @staticmethod
    def _native_length(model: Any) -> int:
        return int(model.chronos_config.max_output_patches * model.chronos_config.output_patch_size)

    @staticmethod
    def _resize(model: Any, prediction_length: int) -> None:
        """Ask for more output patches; the head is shared by all of them, so no tensor changes."""
        n_patches = math.ceil(prediction_length / model.chronos_config.output_patch_size)
        model.chronos_config.max_output_patches = n_patches
        model.config.chronos_config["max_output_patches"] = n_patches
