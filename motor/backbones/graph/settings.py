"""Settings of a forecaster that sees the sensors of a machine as a graph."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from motor.backbones.base import Outline
from motor.backbones.torch_forecaster import Geometry, TorchBackbone

if TYPE_CHECKING:
    from motor.backbones.graph.network import Network


class Graph(TorchBackbone):
    """The sensors of one motor at one moment are nodes, and tell one another of their patches.

    Who listens to whom is learned by sensor (domain), never by motor, and never over the batch: a window depends on
    those of its own moment alone. A sensor without partners is forecast by itself.
    """

    GIVES: ClassVar[tuple[str, ...]] = ("embedding",)

    kind: Literal["graph"] = "graph"
    patch: int = Field(default=64, ge=1, description="samples of a token: a revolution of the shaft, or more")
    width: int = Field(default=64, ge=2, description="of a token")
    adjacency: Literal["static", "dynamic", "mixed"] = Field(
        default="mixed", description="``static``: the same always; ``dynamic``: by what is heard; ``mixed``: by `alpha`"
    )
    alpha: float = Field(default=0.5, ge=0, le=1, description="share of the dynamic part where they are mixed")

    @property
    def sees_together(self) -> bool:
        return True

    def network(self, geometry: Geometry) -> "Network":
        from motor.backbones.graph.network import Network

        share = {"static": 0.0, "dynamic": 1.0, "mixed": self.alpha}[self.adjacency]
        return Network(geometry, self.patch, self.width, share)

    def outline(self) -> Outline:
        """Return what is known before anything is built; any levels can be forecast."""
        return Outline(patch=self.patch, n_blocks=1, levels=(), head_length=None)
