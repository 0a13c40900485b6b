"""Settings of a variational state space model with regimes."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from motor.backbones.base import Outline
from motor.backbones.torch_forecaster import TorchBackbone


class Vssm(TorchBackbone):
    """A state for each patch of the context, which moves by the dynamics of one of a few regimes.

    Which regime a patch is in is learned without labels, and is known exactly given the states. States are drawn in
    training alone: a forecast is made from their means.
    """

    GIVES: ClassVar[tuple[str, ...]] = ("embedding", "regimes")
    BEFORE: ClassVar[Mapping[str, Any]] = {"embedding": "states_and_read"}
    NETWORK: ClassVar[str] = "motor.backbones.vssm.network:Network"

    kind: Literal["vssm"] = "vssm"
    patch: int = Field(default=64, ge=1, description="samples of a state: a revolution of the shaft, or more")
    width: int = Field(default=96, ge=2, description="of the recurrent layer that reads the patches")
    n_states: int = Field(default=32, ge=1, description="numbers of a state")
    n_regimes: int = Field(default=4, ge=1, description="regimes, each with dynamics of its own")
    elbo_weight: float = Field(
        default=0.5,
        ge=0,
        description="of the negative evidence bound beside the forecast's loss; 0 leaves regimes idle",
    )
    free_nats: float = Field(
        default=8.0, ge=0, description="divergence a patch that costs nothing, so that states are not given up"
    )
    embedding: Literal["states_and_read", "states_and_regimes"] = Field(
        default="states_and_regimes",
        description="what a classifier is given: beside the states, what was read up to each, or the logarithm of each "
        "regime's posterior",
    )

    def outline(self) -> Outline:
        """Return what is known before anything is built; any levels can be forecast."""
        return Outline(patch=self.patch, n_blocks=1, levels=(), head_length=None)
