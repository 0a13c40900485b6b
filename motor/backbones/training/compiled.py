"""torch.compile of an encoder's blocks, in training steps alone.

Blocks are compiled, not the whole model: they are alike, so one compilation serves all of them ("regional
compilation" in torch's documentation), and what lies around them differs from one library version to the next.
"""

from typing import TYPE_CHECKING

from motor.lazy import torch

if TYPE_CHECKING:
    from torch.nn import Module


class Compiled:
    """The blocks of a model, compiled inside a ``with`` block; names of weights do not change."""

    def __init__(self, blocks: "list[Module]") -> None:
        self._blocks = blocks
        self._compiled = [torch.compile(block.forward) for block in self._blocks]

    def __enter__(self) -> None:
        for block, compiled in zip(self._blocks, self._compiled, strict=True):
            block.forward = compiled

    def __exit__(self, *_: object) -> None:
        for block in self._blocks:
            vars(block).pop("forward", None)
