"""A linear autoregressive forecaster in Chronos' place: what a plain model forecasts, fitted in closed form."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from motor.backbones.base import Backbone, Outline, check_record
from motor.backbones.forecaster import SIDECAR, positions_of
from motor.backbones.linear.forecaster import WEIGHTS, LinearForecaster
from motor.backbones.weights import WeightsError

if TYPE_CHECKING:
    from torch import Tensor


class Linear(Backbone):
    """A linear forecaster on the last samples, fitted by ridge regression; it has no encoder, so no embeddings."""

    CLOSED_FORM: ClassVar[bool] = True
    EMBEDS: ClassVar[bool] = False

    kind: Literal["linear"] = "linear"
    n_lags: int = Field(default=256, ge=1, description="last samples of the context that are weighed, at most")
    penalty: float = Field(
        default=1e-2, gt=0, description="ridge penalty for each row, in units of the context's variance"
    )
    n_origins: int = Field(
        default=64, ge=1, description="evenly spaced origins in a training window, at most; 1 is the context's end"
    )

    @property
    def source(self) -> None:
        return None

    def create(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        dropout_rate: float,
        domains: tuple[str, ...],
        seed: int,
    ) -> LinearForecaster:
        """Build a forecaster that is ready for `fit` (see `Backbone`); nothing in it is random."""
        return LinearForecaster(context_length, prediction_length, quantile_levels, domains, self)

    def load(self, folder: Path, domains: tuple[str, ...]) -> LinearForecaster:
        """Load a forecaster that `save` wrote (see `Backbone`)."""
        record = _read_record(Path(folder))
        check_record(record, Path(folder), domains, self.sees_together)
        settings = Linear.model_validate(record["settings"])
        lengths = record["context_length"], record["prediction_length"]
        forecaster = LinearForecaster(*lengths, tuple(record["quantile_levels"]), domains, settings)
        forecaster.model.load_state_dict(_read_tensors(Path(folder) / WEIGHTS))
        return forecaster

    def outline(self) -> Outline:
        """Return that a token is a sample, and that there are no encoder blocks; any levels can be forecast."""
        return Outline(patch=1, n_blocks=0, levels=(), head_length=None)

    def misfits(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        """Yield levels without the median."""
        try:
            positions_of(quantile_levels, quantile_levels)
        except ValueError as error:
            yield "quantile_levels", str(error)


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / SIDECAR).read_text())
    except FileNotFoundError:
        raise WeightsError(f"{folder} has no {SIDECAR}: no forecaster was saved there, or not whole") from None
    kind = record.get("kind")
    if kind != "linear":
        raise WeightsError(f"{folder} holds a forecaster of kind {kind or 'Chronos'}, not linear; set backbone.kind")
    return record


def _read_tensors(file: Path) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (FileNotFoundError, SafetensorError) as error:
        raise WeightsError(f"{file} is missing, cut short or damaged: {error}; fit the forecaster again") from None
