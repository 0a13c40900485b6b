"""A linear autoregressive forecaster in Chronos' place: what a plain model forecasts, fitted in closed form."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.backbones.base import Outline
from motor.backbones.linear.forecaster import LinearForecaster, unfitted
from motor.backbones.torch_forecaster import Geometry, TorchBackbone, TorchForecaster


class Linear(TorchBackbone):
    """A linear forecaster on the last samples, fitted by ridge regression; it has no encoder, so no embeddings."""

    CLOSED_FORM: ClassVar[bool] = True
    FORECASTER: ClassVar[type[TorchForecaster]] = LinearForecaster

    kind: Literal["linear"] = "linear"
    n_lags: int = Field(default=256, ge=1, description="last samples of the context that are weighed, at most")
    penalty: float = Field(
        default=1e-2, gt=0, description="ridge penalty for each row, in units of the context's variance"
    )
    n_origins: int = Field(
        default=64, ge=1, description="evenly spaced origins in a training window, at most; 1 is the context's end"
    )

    def network(self, geometry: Geometry) -> Any:
        """Return the tensors of a forecaster that was not fitted: it forecasts the context's mean."""
        return unfitted(geometry, min(self.n_lags, geometry.context_length))

    def outline(self) -> Outline:
        """Return that a token is a sample, and that there are no encoder blocks; any levels can be forecast."""
        return Outline(patch=1, n_blocks=0, levels=(), head_length=None)
