"""Settings of a temporal fusion transformer on patches."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.backbones.base import Outline
from motor.backbones.torch_forecaster import TorchBackbone


class Tft(TorchBackbone):
    """A temporal fusion transformer on patches of the context: variable selection, a recurrent layer, attention.

    Known at any time, and given, are the logarithm of the speed, the place before or after the forecast's origin and,
    with several domains, the domain. Sample by sample it would cost a hundred times as much.
    """

    GIVES: ClassVar[tuple[str, ...]] = ("embedding",)
    BEFORE: ClassVar[Mapping[str, Any]] = {"embedding": "context"}
    NETWORK: ClassVar[str] = "motor.backbones.tft.network:Network"

    kind: Literal["tft"] = "tft"
    patch: int = Field(default=64, ge=1, description="samples of a token: a revolution of the shaft, or more")
    width: int = Field(default=64, ge=2, description="of a token")
    n_heads: int = Field(default=4, ge=1, description="attention heads, which share their values")
    embedding: Literal["context", "context_and_horizon"] = Field(
        default="context_and_horizon", description="places whose states a classifier is given"
    )
    linear_skip: bool = Field(
        default=False,
        exclude_if=lambda is_on: not is_on,
        description="put a linear forecast from the context's samples, behind a gate, beside the transformer's, "
        "whose encoder then has a loss of its own",
    )

    motor_ids: int | None = Field(
        default=None,
        ge=1,
        exclude_if=lambda n_rows: n_rows is None,
        description="rows of a table of motors' ids, which training may lean on; forecasts and features take every "
        "motor for unknown; null has none",
    )
    id_dropout: float = Field(
        default=0.3,
        gt=0,
        le=1,
        exclude_if=lambda share: share == 0.3,
        description="share of training windows whose motor is unknown, with ``motor_ids``",
    )

    def outline(self) -> Outline:
        """Return what is known before anything is built; any levels can be forecast."""
        return Outline(patch=self.patch, n_blocks=2, levels=(), head_length=None)
