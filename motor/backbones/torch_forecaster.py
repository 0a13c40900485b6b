"""A forecaster of one's own: any torch module from a normalised context to quantiles.

It is normalised by each context's own mean and deviation in one place, here, and saved as safetensors with its record.
What a plug-in says is its settings and its module: see `TorchBackbone`.

Shapes: B windows, T context, H horizon, Q quantiles, L tokens, D embedding.
"""

import json
from inspect import ismethod
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from pydantic import Field, model_validator

from motor.backbones.base import Backbone, check_record, read_record, seeded
from motor.backbones.batch import Batch
from motor.backbones.blocks import Blocks
from motor.backbones.forecast import Forecast, loc_scale
from motor.backbones.forecaster import SIDECAR, Forecaster
from motor.backbones.weights import WeightsError
from motor.lazy import safetensors, torch

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS = "model.safetensors"


class Geometry(NamedTuple):
    """What a network is made for."""

    context_length: int
    prediction_length: int
    quantile_levels: tuple[float, ...]
    domains: tuple[str, ...]


class TorchForecaster(Forecaster):
    """A torch module as a forecaster; see `TorchBackbone.network` for what is asked of it."""

    def __init__(self, settings: "TorchBackbone", model: Any, geometry: Geometry) -> None:
        self.settings, self.geometry = settings, geometry
        super().__init__(model, geometry.prediction_length, geometry.quantile_levels, geometry.domains)
        self.sees_together = settings.sees_together  # type: ignore[misc] # a setting of these

    @property
    def context_length(self) -> int:
        return self.geometry.context_length

    @property
    def patch(self) -> int:
        return int(getattr(self.model, "patch", 1))

    def blocks(self) -> Blocks:
        """Return what the settings know of the network."""
        return self.settings.blocks(self.model)

    def _pass(self, batch: Batch, length: int) -> Forecast:
        normalised, loc_B1, scale_B1 = normalised_batch(batch)
        is_answer = not self.model.training and batch.future_BH is None
        forecast = self._masked(normalised) if is_answer and self.settings.dropout_masks else self._said(normalised)
        return in_units_of(forecast, loc_B1, scale_B1, length)

    def _said(self, normalised: Batch) -> Forecast:
        said = self.model(normalised)
        return said if isinstance(said, Forecast) else Forecast(said)

    def _masked(self, normalised: Batch) -> Forecast:
        """Return what the masks of dropout say together."""
        from motor.backbones.layers.masks import masked, mixture  # a layer of torch

        each = []
        for number in range(self.settings.dropout_masks):
            with masked(self.model, number):
                each.append(self._said(normalised))
        return mixture(each, self.model_levels)

    def has_dropout(self) -> bool:
        """Tell whether its network has a layer of dropout."""
        return bool(self._dropout_rates())

    def _dropout_rates(self) -> list[float]:
        return [float(layer.p) for layer in self.model.modules() if isinstance(layer, torch.nn.Dropout)]

    def _embed(self, batch: Batch) -> "Tensor":
        if not hasattr(self.model, "encode"):
            return super()._embed(batch)
        return self.model.encode(normalised_batch(batch)[0])

    def save(self, folder: Path) -> None:
        """Write model.safetensors and forecaster.json."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_model(self.model, str(folder / WEIGHTS))
        record = {
            "kind": self.settings.kind,
            "settings": self.settings.model_dump(mode="json"),
            **self.geometry._asdict(),
            "n_tokens": self.n_tokens(self.context_length),
            "sensors": "together" if self.sees_together else "apart",
        }
        record |= {"dropout_rate": self._dropout_rates()[0]} if self.settings.dropout_masks else {}
        (folder / SIDECAR).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


class TorchBackbone(Backbone):
    """Settings of a torch module that forecasts.

    A plug-in is a class of its settings with `network` (or `NETWORK`), and a module::

        class Mine(TorchBackbone):
            kind: Literal["mine"] = "mine"
            width: int = Field(default=16, ge=1, description="of its one layer")

            def network(self, geometry: Geometry) -> "torch.nn.Module":
                return Network(geometry, self.width)

    Import torch inside of `network` (or in a module that it imports), so that reading a config stays quick.
    """

    FORECASTER: ClassVar[type[TorchForecaster]] = TorchForecaster
    NETWORK: ClassVar[str]
    """Where the module is that `network` makes of the geometry and these settings: ``package.file:Class``."""

    dropout_masks: int = Field(
        default=0,
        ge=0,
        exclude_if=lambda n_masks: n_masks == 0,
        description="masks of dropout that stay on when it forecasts (Bayesian dropout): one pass for each, and wider "
        "intervals where they disagree; 0 is none",
    )

    @model_validator(mode="after")
    def _has_dropout(self) -> Self:
        if self.dropout_masks and self.CLOSED_FORM:
            raise ValueError(f"backbone {self.kind} is solved, not trained: it has no dropout; take dropout_masks out")
        return self

    def network(self, geometry: Geometry) -> "torch.nn.Module":
        """Return a new network; torch's generator is seeded.

        Its ``forward(batch)`` gets a `Batch` whose context is normalised (mean 0, deviation 1, missing samples 0), and
        in training a future in the same units, else None. It returns quantiles in these units, (B, H, Q) at
        `quantile_levels`, or a `Forecast`. A row must not depend on other rows of its batch. Where the backbone
        `GIVES` an ``embedding``, ``encode(batch)`` returns tokens (B, L, D), and ``patch`` is how many samples a token
        has. What is not to be trained has no `requires_grad`.
        """
        return resolve_name(self.NETWORK)(geometry, self)

    def blocks(self, network: Any) -> Blocks:
        """Return the network's parts, for freezing, LoRA, gradient checkpointing and compiling.

        By default those that the network itself names (``blocks()``), else none.
        """
        return network.blocks() if ismethod(getattr(network, "blocks", None)) else Blocks()

    def create(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        dropout_rate: float,
        domains: tuple[str, ...],
        seed: int,
    ) -> TorchForecaster:
        """Build a forecaster that is ready for `fit` (see `Backbone`)."""
        forecaster = self._forecaster(Geometry(context_length, prediction_length, quantile_levels, domains), seed)
        forecaster.set_dropout(dropout_rate)
        return forecaster

    def load(self, folder: Path, domains: tuple[str, ...]) -> TorchForecaster:
        """Load a forecaster that `TorchForecaster.save` wrote (see `Backbone`)."""
        record = read_record(Path(folder), self.kind)
        check_record(record, Path(folder), domains, self.sees_together)
        lengths, levels = (record["context_length"], record["prediction_length"]), record["quantile_levels"]
        saved = self._saved(record["settings"])
        forecaster = saved._forecaster(Geometry(*lengths, tuple(levels), tuple(domains)), seed=0)
        _read_tensors(forecaster.model, Path(folder) / WEIGHTS)
        forecaster.set_dropout(record.get("dropout_rate", 0.0))
        return forecaster

    def _saved(self, settings: dict[str, Any]) -> Self:
        return self.recorded(settings)

    def _forecaster(self, geometry: Geometry, seed: int) -> TorchForecaster:
        forecaster = self.FORECASTER(self, seeded(lambda: self.network(geometry), seed), geometry)
        if self.dropout_masks and not forecaster.has_dropout():
            raise ValueError(f"backbone {self.kind} has no layer of dropout in its network; take dropout_masks out")
        return forecaster


def normalised_batch(batch: Batch) -> "tuple[Batch, Tensor, Tensor]":
    """Return a batch in units of each context's own mean and deviation, and these: (B, 1) each."""
    context_BT = batch.context_BT
    loc_B1, scale_B1 = loc_scale(context_BT)
    normal = batch._replace(context_BT=((context_BT - loc_B1) / scale_B1).nan_to_num())
    if batch.future_BH is not None:
        normal = normal._replace(future_BH=(batch.future_BH - loc_B1) / scale_B1)
    return normal, loc_B1, scale_B1


def in_units_of(forecast: Forecast, loc_B1: "Tensor", scale_B1: "Tensor", length: int) -> Forecast:
    """Return a forecast of normalised windows in the units of the windows, cut to so many samples."""

    def back(quantiles_BHQ: "Tensor") -> "Tensor":
        return (quantiles_BHQ.float() * scale_B1[..., None] + loc_B1[..., None])[:, :length]

    parts: dict[str, Any] = {"quantiles_BHQ": back(forecast.quantiles_BHQ)}
    if forecast.samples_SBH is not None:
        parts["samples_SBH"] = (forecast.samples_SBH.float() * scale_B1 + loc_B1)[..., :length]
    if forecast.branches is not None:
        parts["branches"] = {name: back(quantiles) for name, quantiles in forecast.branches.items()}
    return forecast._replace(**parts)


def _read_tensors(model: "torch.nn.Module", file: Path) -> None:
    """Fill a network with a file's tensors, which must be the network's to the last one."""
    try:
        safetensors.torch.load_model(model, str(file))
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{file} is missing, cut short or damaged: {error}; fit the forecaster again") from None
    except RuntimeError as error:
        raise WeightsError(f"{file} does not hold this network: {error}; fit the forecaster again") from None
