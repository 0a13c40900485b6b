"""Tokens read in their order.

Shapes: B windows, L tokens, D width.
"""

from torch import Tensor
from torch.nn import GRU, Module

from motor.backbones.layers.gated import GatedResidual


class Reader(Module):
    """Reads patches in order."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.recurrent, self.each = GRU(width, width, batch_first=True), GatedResidual(width)

    def forward(self, tokens_BLD: Tensor) -> Tensor:
        return self.each(self.recurrent(tokens_BLD)[0])
