"""Settings of the retrieving forecaster."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.backbones.linear.settings import Linear
from motor.backbones.retrieval.forecaster import MEMORY, RetrievalForecaster, unblended
from motor.backbones.torch_forecaster import Geometry, TorchForecaster
from motor.retrieval.memory import Memory


class Retrieval(Linear):
    """What followed the most similar windows of other training motors, beside `linear` or alone.

    Similar are windows by shape, each at its own mean and deviation. Nothing is trained by steps; the training series
    are kept with the forecaster, for they are its model.
    """

    FORECASTER: ClassVar[type[TorchForecaster]] = RetrievalForecaster
    LOOKS_UP: ClassVar[bool] = True
    BEFORE: ClassVar[Mapping[str, Any]] = {"temperature": None}

    kind: Literal["retrieval"] = "retrieval"  # type: ignore[assignment]
    blend: Literal["errors", "linear", "none"] = Field(
        default="errors",
        description="``errors`` adds to the linear forecast what it missed after neighbours; ``linear`` weighs their "
        "futures beside it, by least squares on training windows; ``none`` forecasts by neighbours alone",
    )
    top_k: int = Field(default=100, ge=1, description="neighbours that are looked up")
    temperature: float | None = Field(
        default=0.2, gt=0, description="squared distance that makes a neighbour count 1/e; null: all count alike"
    )
    key_length: int = Field(default=512, ge=8, description="last samples that are compared, at most the context")
    stride: int = Field(default=1, ge=1, description="samples between the windows that are kept")

    def network(self, geometry: Geometry) -> Any:
        """Return the tensors of a forecaster that was not fitted: it forecasts the context's mean."""
        return unblended(super().network(geometry), geometry.prediction_length)

    def incompatibilities(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        yield from super().incompatibilities(context_length, prediction_length, quantile_levels, domains)
        if context_length < 8:
            yield (
                "context_length",
                f"retrieval compares windows of 8 samples or more; context_length is {context_length}",
            )

    def load(self, folder: Path, domains: tuple[str, ...]) -> TorchForecaster:
        forecaster: Any = super().load(folder, domains)
        if (Path(folder) / MEMORY).is_file():
            forecaster.remember(Memory.load(Path(folder) / MEMORY))
        return forecaster
